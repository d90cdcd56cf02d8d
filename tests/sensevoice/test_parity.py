"""The plugin answers what FunASR answers: 20 clips of 1 to 30 s, every language, ITN on and off, no dither.

The small model of the suite is always compared. TINGSHUO_PARITY_MODEL names a further directory, such as the
official one: `TINGSHUO_PARITY_MODEL=.../iic/SenseVoiceSmall pytest -s tests/sensevoice/test_parity.py`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tingshuo.types import Samples
from tingshuo_sensevoice.model import Question, load_acoustic_model
from tingshuo_sensevoice.tags import LANGUAGES, Tags
from tingshuo_sensevoice.testing import speechlike
from tingshuo_sensevoice.upstream import undisturbed

CLIPS = 20


class Funasr:
    """SenseVoiceSmall as FunASR loads and runs it."""

    def __init__(self, folder: Path) -> None:
        with undisturbed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # foreign code, and what it warns of is not compared
            from funasr.auto.auto_model import AutoModel

            threads = torch.get_num_threads()
            self.auto: Any = AutoModel(
                model=str(folder), device="cpu", disable_update=True, ncpu=threads, frontend_conf={"dither": 0.0}
            )
        self.ids: list[int] = []

    def decode(self, ids: Sequence[int]) -> str:
        """Stand in for the tokenizer: keep the ids that the decoder arrived at."""
        self.ids = list(ids)
        return str(self.auto.kwargs["tokenizer"].decode(self.ids))

    def features(self, clip: Samples) -> Tensor:
        """Features [1, T, F] of FunASR's frontend."""
        features: Tensor = self.auto.kwargs["frontend"](torch.from_numpy(clip)[None], [len(clip)])[0]
        return features

    def hear(self, features: Tensor, language: str, itn: bool) -> tuple[list[int], str]:
        """Ids and text of `SenseVoiceSmall.inference`."""
        asked = {"language": language, "use_itn": itn}
        data = {"data_in": features.clone(), "data_lengths": torch.tensor([features.shape[1]]), "data_type": "fbank"}
        with undisturbed(), torch.inference_mode():
            results, _ = self.auto.model.inference(**data, **asked, key=["clip"], tokenizer=self, device="cpu")
        return self.ids, results[0]["text"]

    def generate(self, clip: Samples, language: str, itn: bool) -> str:
        """Text of `AutoModel.generate`, from samples."""
        with undisturbed(), torch.inference_mode():
            results = self.auto.generate(clip, language=language, use_itn=itn, disable_pbar=True)
        return str(results[0]["text"])


@pytest.fixture(scope="module", params=["small", *filter(None, [os.environ.get("TINGSHUO_PARITY_MODEL")])])
def folder(request: pytest.FixtureRequest, folders: Path) -> Path:
    return folders / "asr" if request.param == "small" else Path(request.param)


def test_tokens_and_tags_equal_those_of_funasr(folder: Path) -> None:
    ours = load_acoustic_model(folder)  # first: it imports what AutoModel looks up by name
    theirs = Funasr(folder)
    compared = unequal = tokens = answers = unlike = 0
    seen: set[int] = set()
    for seed, seconds in enumerate(np.geomspace(1, 30, CLIPS)):
        clip = speechlike(seconds, seed)
        their_features, our_features = theirs.features(clip), ours.features(clip)
        assert torch.equal(their_features[0], our_features)
        for language in ("auto", *LANGUAGES):
            for itn in (True, False):
                ids, text = theirs.hear(their_features, language, itn)
                question = Question(language=language, itn=itn)
                greedy = collapsed(ours.logits(ours.encode([our_features], [question])[0]))
                compared, tokens, unequal = compared + 1, tokens + len(ids), unequal + (greedy != ids)
                # FunASR decodes the tag frames like any other; here each answers with a tag of its class. Where
                # FunASR came to such tags too, as it does with trained weights, everything must be the same.
                if all(index in kind for index, kind in zip(ids[:4], classes(ours.tags), strict=False)):
                    heard = ours.answer([our_features], [question])[0]
                    mine = [*heard.tags, *(token.id for token in heard.tokens)]
                    answers, unlike = answers + 1, unlike + (mine != ids or ours.decode(mine) != text)
                    seen |= set(heard.tags)
        print(
            f"{seed + 1} clips of {folder}: {compared} comparisons, {tokens} tokens, {unequal} sequences differ; "
            f"{answers} answers with four tags, {len(seen)} tags, {unlike} differ",
            flush=True,
        )
    assert (compared, unequal, unlike) == (CLIPS * 12, 0, 0)
    assert answers > 0


def collapsed(logits: Tensor) -> list[int]:
    """Greedy CTC over all frames, the query frames among them, as FunASR decodes."""
    return [index for index, _ in groupby(logits.argmax(-1).tolist()) if index != 0]


def classes(tags: Tags) -> tuple[Collection[int], ...]:
    return tuple(tags.languages.values()), tags.emotions, tags.events, tuple(tags.itn.values())


def test_a_whole_call_gives_the_text_of_generate(folder: Path) -> None:
    ours = load_acoustic_model(folder)
    theirs = Funasr(folder)
    for seed, language in enumerate(("auto", *LANGUAGES)):
        clip = speechlike(4.0 + seed, 100 + seed)
        features = ours.features(clip)
        greedy = collapsed(ours.logits(ours.encode([features], [Question(language=language)])[0]))
        assert ours.decode(greedy) == theirs.generate(clip, language, itn=True)
