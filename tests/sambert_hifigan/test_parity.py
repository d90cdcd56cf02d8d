"""Every intermediate result against the reference's, on the golden voices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.loading import load_voice
from tingshuo_sambert_hifigan.streaming import STREAMED
from tingshuo_sambert_hifigan.trace import trace, vocoded
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.relative_to(GOLDEN).with_suffix("").as_posix() for path in GOLDEN.glob("*/*.npz"))
ACOUSTIC, VOCODED = ("log_dur", "pitch", "energy", "dec", "postnet", "mel"), ("wav", "nsf_excitation")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the reference ran: threads divide sums, and the phase of a long NSF line hears the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def golden_voice(folder: str) -> LoadedVoice:
    return load_voice(open_model(GOLDEN / folder).voice("golden"), torch.device("cpu")).voice


def injected(voice: LoadedVoice, wanted: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The draws to inject; the long noise is not kept, only the seed it was drawn with."""
    if "nsf_phase" in wanted and "nsf_noise" not in wanted:
        noise = voice.vocoder.source_module.draw(int(wanted["frames"]), seed=5).noise
        return {**wanted, "nsf_noise": noise.numpy()}
    return wanted


def reference(case: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(GOLDEN / f"{case}.npz") as archive:
        return dict(archive)


def test_all_nine_cases_are_there() -> None:
    assert len(CASES) == 9


def agree(found: dict[str, npt.NDArray[Any]], wanted: dict[str, npt.NDArray[Any]], names: Iterable[str]) -> bool:
    """Whether those of `names` that the reference gave agree within 1e-4."""
    return all(np.abs(found[name] - wanted[name]).max() <= 1e-4 for name in names if name in wanted)


@pytest.mark.parametrize("case", CASES)
def test_every_intermediate_result_is_the_references_within_1e_4(case: str) -> None:
    wanted, voice = reference(case), golden_voice(case.partition("/")[0])
    found = trace(voice, str(wanted["symbols"]), injected(voice, wanted))
    assert found["frames"] == wanted["frames"]
    assert found["x_band"] == wanted["x_band"]
    assert np.array_equal(found["feats"], wanted["feats"])
    assert agree(found, wanted, ACOUSTIC)
    # The phase of an NSF voice hears the last bit of f0, which is the processor's: its samples are held to the
    # reference's from the reference's own frames, below.
    assert "nsf_phase" in wanted or agree(found, wanted, VOCODED)


@pytest.mark.parametrize("case", CASES)
def test_samples_are_the_references_within_1e_4_from_its_frames(case: str) -> None:
    wanted, voice = reference(case), golden_voice(case.partition("/")[0])
    found = vocoded(voice, torch.from_numpy(wanted["mel"])[None], injected(voice, wanted))
    assert agree(found, wanted, VOCODED)


@pytest.mark.parametrize("case", CASES)
def test_what_is_spoken_comes_from_the_references_frames_within_1e_4(case: str) -> None:
    wanted, voice = reference(case), golden_voice(case.partition("/")[0])
    line = voice.line(str(wanted["symbols"]), Style())
    plan = voice.plan([line], Style())[0]
    frames = torch.cat(list(voice.acoustic.decode([plan], voice.stepper)), dim=1)[0, : plan.frames]
    assert plan.frames == wanted["frames"]
    assert np.abs(plan.log_durations.numpy() - wanted["log_dur"]).max() <= 1e-4
    assert np.abs(frames.numpy() - wanted["dec"]).max() <= 1e-4


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("nsf")])
def test_what_is_spoken_is_the_references_wave_within_1e_4(case: str) -> None:
    wanted, voice = reference(case), golden_voice(case.partition("/")[0])
    pieces = [samples for _, samples in voice.speak([str(wanted["symbols"])], Style(), STREAMED)]
    assert np.abs(np.concatenate(pieces) - wanted["wav"]).max() <= 1e-4


@pytest.mark.parametrize("folder", ["plain16k-11", "nsf16k-12", "causal16k-13"])
@pytest.mark.parametrize("exact", [True, False])
def test_a_line_in_a_batch_gives_what_it_gives_alone(folder: str, exact: bool) -> None:
    voice = golden_voice(folder)
    stepper = None if exact else voice.stepper
    lines = [voice.line(str(reference(f"{folder}/{name}")["symbols"]), Style()) for name in ("mixed", "long", "zh")]
    plans = voice.plan(lines, Style(), exact=exact)
    together = torch.cat(list(voice.acoustic.decode(plans, stepper)), dim=1)
    for index, line in enumerate(lines):
        alone = voice.plan([line], Style(), exact=exact)[0]
        frames = torch.cat(list(voice.acoustic.decode([alone], stepper)), dim=1)[0, : alone.frames]
        assert alone.frames == plans[index].frames
        assert torch.allclose(together[index, : alone.frames], frames, atol=1e-4)
