"""Every intermediate result against the reference's, on the golden voices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.loading import load_voice
from tingshuo_sambert_hifigan.trace import trace
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.relative_to(GOLDEN).with_suffix("").as_posix() for path in GOLDEN.glob("*/*.npz"))
NUMBERS = ("log_dur", "pitch", "energy", "dec", "postnet", "mel", "wav", "nsf_excitation")


def golden_voice(folder: str) -> LoadedVoice:
    return load_voice(open_model(GOLDEN / folder).voice("golden"), torch.device("cpu")).voice


def reference(case: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(GOLDEN / f"{case}.npz") as archive:
        return dict(archive)


def test_all_nine_cases_are_there() -> None:
    assert len(CASES) == 9


@pytest.mark.parametrize("case", CASES)
def test_every_intermediate_result_is_the_references_within_1e_4(case: str) -> None:
    wanted = reference(case)
    found = trace(golden_voice(case.partition("/")[0]), str(wanted["symbols"]), wanted)
    assert found["frames"] == wanted["frames"]
    assert found["x_band"] == wanted["x_band"]
    assert np.array_equal(found["feats"], wanted["feats"])
    for name in NUMBERS:
        if name in wanted:
            assert np.abs(found[name] - wanted[name]).max() <= 1e-4, name


@pytest.mark.parametrize("folder", ["plain16k-11", "nsf16k-12", "causal16k-13"])
def test_a_line_in_a_batch_gives_what_it_gives_alone(folder: str) -> None:
    voice = golden_voice(folder)
    lines = [voice.line(str(reference(f"{folder}/{name}")["symbols"]), Style()) for name in ("mixed", "long", "zh")]
    plans = voice.plan(lines, Style())
    together = torch.cat(list(voice.acoustic.decode(plans)), dim=1)
    for index, line in enumerate(lines):
        alone = voice.plan([line], Style())[0]
        frames = torch.cat(list(voice.acoustic.decode([alone])), dim=1)[0, : alone.frames]
        assert alone.frames == plans[index].frames
        assert torch.allclose(together[index, : alone.frames], frames, atol=1e-4)
