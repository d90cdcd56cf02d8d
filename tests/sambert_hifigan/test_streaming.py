"""Pieces joined are the whole; memory does not grow with the line; threads share a voice."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from small_voices import NSF, Edit, Load, Make
from torch import Tensor

from tingshuo_sambert_hifigan.filters import Memory
from tingshuo_sambert_hifigan.stepper import Decoding, Stepper
from tingshuo_sambert_hifigan.streaming import STREAMED, WHOLE, Steps
from tingshuo_sambert_hifigan.trace import trace
from tingshuo_sambert_hifigan.vocoder import Vocoder
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"vocoder": {"causal": True}},
    "nsf": {"acoustic": {"NSF": True, "nsf_norm_type": "global", "num_mels": 10}, "vocoder": NSF},
    "causal nsf": {
        "acoustic": {"NSF": True, "nsf_norm_type": "global", "num_mels": 10},
        "vocoder": {**NSF, "causal": True},
    },
}


def spoken(voice: LoadedVoice, lines: Sequence[str], steps: Steps = WHOLE) -> list[npt.NDArray[np.float32]]:
    return [piece for _, piece in voice.speak(lines, Style(), steps)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pieces_of_a_stream_joined_are_one_pass_over_all_frames(
    variant: str, make_model: Make, load: Load, long_symbols: str
) -> None:
    voice = load(make_model(**VARIANTS[variant]))
    once = trace(voice, long_symbols)["wav"]
    for steps in (STREAMED, WHOLE, Steps((7,), growing=True), Steps((1, 3), growing=False)):
        pieces = spoken(voice, [long_symbols], steps)
        assert len(pieces) > 1
        assert np.abs(np.concatenate(pieces) - once).max() <= 1e-4


def test_the_first_piece_comes_before_the_line_is_decoded(
    make_model: Make,
    load: Load,
    long_symbols: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    voice = load(make_model())
    steps: list[int] = []
    step = Stepper.step

    def counted(self: Stepper, state: Decoding) -> Tensor:
        steps.append(1)
        return step(self, state)

    monkeypatch.setattr(Stepper, "step", counted)
    first = next(iter(voice.speak([long_symbols], Style(), STREAMED)))
    assert len(first[1]) == STREAMED.sizes[0] * voice.vocoder.config.hop - voice.vocoder.late
    assert 0 < len(steps) < len(trace(voice, long_symbols)["mel"]) / 3 / 4


def test_many_lines_give_what_each_gives_alone(make_model: Make, load: Load, symbols: str, long_symbols: str) -> None:
    voice = load(make_model())
    lines = [symbols, long_symbols, symbols, symbols]
    alone = np.concatenate([trace(voice, line)["wav"] for line in lines])
    assert np.abs(np.concatenate(spoken(voice, lines)) - alone).max() <= 1e-4


def test_the_vocoder_is_given_few_lengths_and_hardly_more_than_the_line(
    make_model: Make,
    load: Load,
    long_symbols: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    voice = load(make_model())
    lengths: list[int] = []
    push = Vocoder.push

    def seen(self: Vocoder, mel: Tensor, excitation: Tensor | None, memory: Memory) -> Tensor:
        lengths.append(mel.shape[-1])
        return push(self, mel, excitation, memory)

    monkeypatch.setattr(Vocoder, "push", seen)
    line = " ".join([long_symbols] * 3)
    for steps in (STREAMED, WHOLE):
        lengths.clear()
        samples = np.concatenate(spoken(voice, [line], steps))
        assert set(lengths) <= set(steps.sizes)
        assert len(lengths) > 3
        frames = len(samples) / voice.vocoder.config.hop
        assert sum(lengths) <= frames + voice.vocoder.delay + steps.sizes[0]


def test_what_a_line_leaves_in_memory_does_not_grow_with_it(make_model: Make, load: Load) -> None:
    vocoder = load(make_model(**VARIANTS["nsf"])).vocoder
    sizes = []
    for frames in (36, 360):
        memory = Memory(frames)
        for _ in range(0, frames, 36):
            mel = torch.zeros(1, vocoder.config.in_channels, 36)
            vocoder.push(mel, torch.zeros(1, 1, 36 * vocoder.config.hop), memory)
        storages = {kept.untyped_storage().data_ptr(): kept.untyped_storage() for kept in memory.kept.values()}
        sizes.append(sum(storage.nbytes() for storage in storages.values()))
    assert 0 < sizes[0] == sizes[1]


@pytest.mark.parametrize(("left", "size"), [(1, 36), (36, 36), (37, 36), (60, 84), (100, 84), (150, 180), (180, 180)])
def test_the_end_of_a_line_wastes_little(left: int, size: int) -> None:
    assert Steps((36, 84, 180), growing=False).last(left) == size


def test_eight_threads_give_the_same_samples_as_one(make_model: Make, load: Load, symbols: str) -> None:
    voice = load(make_model(**VARIANTS["nsf"]))
    once = np.concatenate(spoken(voice, [symbols] * 3))
    with ThreadPoolExecutor(8) as pool:
        for samples in pool.map(lambda _: np.concatenate(spoken(voice, [symbols] * 3)), range(16)):
            assert np.array_equal(samples, once)


def test_a_line_of_one_phone_can_be_spoken(make_model: Make, load: Load, symbols: str) -> None:
    voice = load(make_model())
    assert np.concatenate(spoken(voice, [symbols.split(" ")[0]])).size > 0


def test_a_line_whose_durations_are_all_zero_gives_no_samples(
    make_model: Make, load: Load, edit_tensors: Edit, symbols: str
) -> None:
    root = make_model()
    bias = {"variance_adaptor.duration_predictor.fc.bias": torch.tensor([-50.0])}
    edit_tensors(root / "voices/small/am/ckpt/checkpoint_100.pth", lambda state: state["model"].update(bias))
    voice = load(root)
    assert trace(voice, symbols)["frames"] == 0
    assert trace(voice, symbols)["wav"].shape == (0,)
    assert spoken(voice, [symbols, symbols, symbols]) == []
