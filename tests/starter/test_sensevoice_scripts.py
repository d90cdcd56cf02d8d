"""The scripts of the starter recogniser: sentences, filter banks, and what is shipped."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType

import kaldi_native_fbank
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "starter" / "sensevoice"
SHIPPED = ROOT / "plugins" / "sensevoice" / "src" / "tingshuo_sensevoice" / "starter"
Script = Callable[[str], ModuleType]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """Imports a script of the folder by name and forgets all of them afterwards: their names are everyday words."""
    monkeypatch.syspath_prepend(SCRIPTS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (SCRIPTS / f"{name}.py").exists():
            del sys.modules[name]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_becomes_a_sentence(script: Script, language: str) -> None:
    sentences, rng = script("text").Sentences(language), Random(1)
    assert len(sentences.items) > 2000
    for templates, line in sentences.items:
        for _ in range(3):
            assert not set("{}[]|@#") & set(templates.expand(line, rng)), line


def test_numbers_are_said_as_people_say_them(script: Script) -> None:
    slots = script("slots")
    chinese = [slots.chinese_number(number) for number in (0, 10, 15, 20, 105, 110, 1005, 1050, 12_000, 10_005)]
    assert chinese == "零 十 十五 二十 一百零五 一百一十 一千零五 一千零五十 一万二千 一万零五".split()
    assert slots.english_number(1205) == "one thousand two hundred and five"


def test_a_plain_text_has_no_marks_and_no_capitals(script: Script) -> None:
    text = script("text")
    assert text.plain("你好，世界！") == "你好世界"
    assert text.plain("Well, it's Tom's.") == "well it's tom's"


@pytest.mark.parametrize("count", [400, 559, 560, 16_000, 40_123])
def test_the_filter_bank_is_kaldis(script: Script, count: int) -> None:
    samples = np.random.default_rng(count).normal(0, 0.1, count).astype(np.float32)
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    options.energy_floor = 0
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(16_000, (samples * 32_768).tolist())
    wanted = np.stack([bank.get_frame(index) for index in range(bank.num_frames_ready)])
    torch = script("torch")
    found = script("features").fbank(torch.from_numpy(samples)).numpy()
    assert found == pytest.approx(wanted, abs=0.01)


def test_rows_of_low_frame_rate_repeat_the_edges(script: Script) -> None:
    torch = script("torch")
    rows = script("features").stack(torch.arange(13.0)[:, None])
    assert rows.tolist() == [[0, 0, 0, 0, 1, 2, 3], [3, 4, 5, 6, 7, 8, 9], [9, 10, 11, 12, 12, 12, 12]]


def test_the_shipped_models_are_small() -> None:
    sizes = {
        path.name: sum(file.stat().st_size for file in path.rglob("*")) for path in SHIPPED.iterdir() if path.is_dir()
    }
    assert sizes["fsmn-vad"] < 300_000
    assert sum(sizes.values()) < 10_000_000


def test_the_model_card_lies_beside_the_weights() -> None:
    assert (SHIPPED / "MODEL_CARD.md").read_text("utf-8") == (SCRIPTS / "MODEL_CARD.md").read_text("utf-8")
