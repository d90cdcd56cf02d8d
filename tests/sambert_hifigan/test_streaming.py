"""Pieces joined are the whole; memory does not grow with the line; threads share a voice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from torch import Tensor, nn

from tingshuo_sambert_hifigan.streaming import STREAMED, WHOLE, Windows
from tingshuo_sambert_hifigan.trace import trace
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style

NSF = {"nsf_params": {"nb_harmonics": 7, "sampling_rate": 16_000}}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"vocoder": {"causal": True}},
    "nsf": {"acoustic": {"NSF": True, "nsf_norm_type": "global", "num_mels": 10}, "vocoder": NSF},
    "causal nsf": {
        "acoustic": {"NSF": True, "nsf_norm_type": "global", "num_mels": 10},
        "vocoder": {**NSF, "causal": True},
    },
}


def spoken(voice: LoadedVoice, lines: Sequence[str], windows: Windows = WHOLE) -> list[npt.NDArray[np.float32]]:
    return [piece for _, piece in voice.speak(lines, Style(), windows)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pieces_of_a_stream_joined_are_one_pass_over_all_frames(
    variant: str, make_model: Callable[..., Path], load: Callable[..., LoadedVoice], long_symbols: str
) -> None:
    voice = load(make_model(**VARIANTS[variant]))
    once = trace(voice, long_symbols)["wav"]
    for windows in (STREAMED, WHOLE, Windows(7, 7)):
        pieces = spoken(voice, [long_symbols], windows)
        assert len(pieces) > 1
        assert np.abs(np.concatenate(pieces) - once).max() <= 1e-4


def test_the_first_piece_comes_before_the_line_is_decoded(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], long_symbols: str
) -> None:
    voice = load(make_model())
    steps: list[int] = []
    voice.acoustic.decoder.ln.register_forward_hook(lambda *_: steps.append(1))
    first = next(iter(voice.speak([long_symbols], Style(), STREAMED)))
    in_all = len(trace(voice, long_symbols)["mel"]) // 3
    assert len(first[1]) == STREAMED.first * voice.vocoder.config.hop
    assert len(steps) - in_all < in_all


def test_many_lines_give_what_each_gives_alone(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], symbols: str, long_symbols: str
) -> None:
    voice = load(make_model())
    lines = [symbols, long_symbols, symbols, symbols]
    alone = np.concatenate([trace(voice, line)["wav"] for line in lines])
    assert np.abs(np.concatenate(spoken(voice, lines)) - alone).max() <= 1e-4


def test_the_vocoder_never_sees_more_than_a_window_and_its_context(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], long_symbols: str
) -> None:
    voice = load(make_model())
    lengths: list[int] = []

    def seen(_module: nn.Module, inputs: tuple[Tensor, ...], _output: object) -> None:
        lengths.append(inputs[0].shape[-1])

    voice.vocoder.register_forward_hook(seen)
    spoken(voice, [" ".join([long_symbols] * 3)])
    before, after = voice.vocoder.config.reach()
    assert max(lengths) <= WHOLE.largest * 1.25 + before + after
    assert len(lengths) > 3


def test_eight_threads_give_the_same_samples_as_one(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], symbols: str
) -> None:
    voice = load(make_model(**VARIANTS["nsf"]))
    once = np.concatenate(spoken(voice, [symbols] * 3))
    with ThreadPoolExecutor(8) as pool:
        for samples in pool.map(lambda _: np.concatenate(spoken(voice, [symbols] * 3)), range(16)):
            assert np.array_equal(samples, once)


def test_a_line_of_one_phone_can_be_spoken(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], symbols: str
) -> None:
    voice = load(make_model())
    assert np.concatenate(spoken(voice, [symbols.split(" ")[0]])).size > 0


def test_a_line_whose_durations_are_all_zero_gives_no_samples(
    make_model: Callable[..., Path], load: Callable[..., LoadedVoice], symbols: str
) -> None:
    voice = load(make_model())
    voice.acoustic.variance_adaptor.duration_predictor.fc.bias.fill_(-50.0)
    assert trace(voice, symbols)["frames"] == 0
    assert trace(voice, symbols)["wav"].shape == (0,)
    assert spoken(voice, [symbols, symbols, symbols]) == []
