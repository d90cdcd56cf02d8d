"""The scripts of the starter recogniser: sentences, filter banks, and what is shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

import kaldi_native_fbank
import numpy as np
import pytest
import torch

from tingshuo import Settings

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "starter" / "sensevoice"
SHIPPED = ROOT / "plugins" / "sensevoice" / "src" / "tingshuo_sensevoice" / "starter"
Script = Callable[[str], ModuleType]


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


def test_training_can_go_on_from_exported_weights(script: Script, tmp_path: Path) -> None:
    train, decode = script("train"), script("decode")
    shipped = SHIPPED / "SenseVoiceSmall"
    pieces = script("batches").Pieces(shipped / decode.BPE)
    shape = script("model").Shape(pieces.count, script("batches").LATIN + len(pieces.syllables))
    run = train.Run(tmp_path, shape, 1, shipped, 1e-3)
    assert run.normalise.shift.shape == run.normalise.scale.shape == (560,)
    exported = torch.load(shipped / "model.pt", weights_only=True)
    own = run.network.state_dict()
    assert {name for name in own if name not in exported} == {"auxiliary.weight", "auxiliary.bias"}
    assert all(torch.equal(own[name], value.float()) for name, value in exported.items())


def test_the_starter_voice_can_speak_for_training(script: Script) -> None:
    speaking = script("voice_speech")
    engine = speaking.SambertHifigan(Settings(data_dir=Path("unused")))
    samples = speaking.speak(engine, "你好。", {"emotion": "sad", "intensity": 1.0, "speed": 1.0, "pitch": 0.0})
    assert samples.dtype == np.int16
    assert 8_000 < len(samples) < 32_000
    assert np.abs(samples).max() > 3_000


def test_a_part_of_the_speech_is_what_training_reads(script: Script, tmp_path: Path) -> None:
    part = script("speech").Part()
    rng = np.random.default_rng(1)
    said = {length: rng.integers(-9_000, 9_000, length).astype(np.int16) for length in (3_000, 40_000, 32_000, 200_000)}
    row = {"text": "I like this book.", "language": "en", "emotion": "sad"}
    for samples in said.values():
        part.add(samples, row, "en-us")
    assert part.write(tmp_path / "7") == pytest.approx(72_000 / 16_000 / 3600)
    batches = script("batches")
    pieces = batches.Pieces(SHIPPED / "SenseVoiceSmall" / script("decode").BPE)
    corpus = batches.Corpus(tmp_path, pieces, batches.for_development(row["text"]))
    # Neither the one that is too short nor the one that is too long.
    assert [(one.at, one.length, one.emotion) for one in corpus.utterances] == [
        (0, 40_000, "sad"),
        (40_000, 32_000, "sad"),
    ]
    for one in corpus.utterances:
        assert one.spelled
        assert (corpus.wave(one).numpy() * 32_768).astype(np.int16).tolist() == said[one.length].tolist()
