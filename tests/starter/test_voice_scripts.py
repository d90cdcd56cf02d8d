"""The scripts of the starter voice's corpus and vocoder: reading, alignment, sound, a training step, weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tingshuo_espeak.prosody import parameters, prosody
from tingshuo_sambert_hifigan.checkpoint import fill, folded
from tingshuo_sambert_hifigan.frontend import FrontEnd
from tingshuo_sambert_hifigan.hifigan import Generator
from tingshuo_sambert_hifigan.hyperparameters import Section, generator_config
from tingshuo_sambert_hifigan.tables import EMOTIONS as ROWS

Script = Callable[[str], ModuleType]


def _sentence(text: str) -> list[Any]:
    reader = FrontEnd()
    (sentence,) = [one for span in reader.spans(text) for one in reader.sentences(span)]
    return sentence


def test_espeak_is_given_the_reading_of_the_front_end(script: Script) -> None:
    runs = script("reading").runs(_sentence("小熊，在花儿里学Python。"))
    assert [(run.voice, run.spoken) for run in runs] == [
        ("cmn", "xiao3 [[S;j'ong35]] , zai4 hua1 er5 li3 xue2"),
        ("en-us", "[[p|'aI|T|A:|n    ]]"),
    ]
    assert [slot.level for slot in runs[0].slots if slot.level] == [3, 1, 1]


@pytest.mark.parametrize(("text", "emotion"), [("你好，我在学Python呢。", "sad"), ("Hello, good morning.", "angry")])
def test_every_symbol_has_its_frames(script: Script, text: str, emotion: str) -> None:
    corpus, library = script("corpus"), script("timed_speech").TimedLibrary()
    made = corpus.made(library, _sentence(text), emotion)
    symbols = [token[1:].partition("$")[0] for token in made["line"].split()]
    frames = len(made["mel"])
    assert len(symbols) == len(made["duration"])
    assert made["duration"].sum() == frames == len(made["f0"]) == len(made["voiced"])
    assert len(made["samples"]) == 200 * frames
    phones = [frames for symbol, frames in zip(symbols, made["duration"], strict=True) if not symbol.startswith("#")]
    assert min(phones) >= 1
    # Vowels are where the sound is.
    level = corpus.by_phone(made["energy"], made["duration"])
    vowels = [at for at, symbol in enumerate(symbols) if symbol in ("ao_c", "o_c", "ay", "ow", "uh", "ao")]
    assert level[vowels].min() > 5 * level[-1]
    normal = corpus.normalised(made, corpus.statistics([made]))
    assert np.isfinite(normal["pitch"]).all()
    assert len(normal["pitch"]) == len(normal["energy"]) == len(symbols)


def test_a_corpus_is_normalised_by_its_first_utterances_however_few_they_are(script: Script, tmp_path: Path) -> None:
    corpus = script("corpus")
    rng = np.random.default_rng(3)
    durations = np.array([2, 0, 4], np.int32)

    def utterance() -> dict[str, Any]:
        f0, energy = (rng.uniform(80, 120, 6).astype(np.float32) for _ in range(2))
        return {"duration": durations, "mel": np.zeros((6, 80)), "f0": f0, "voiced": np.ones(6), "energy": energy}

    corpus.write(tmp_path, iter([(0, first := utterance()), None, (2, second := utterance())]), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000.npz", "00002.npz", "stats.json"]
    stats = json.loads((tmp_path / "stats.json").read_text("utf-8"))
    assert stats == corpus.statistics([first, second])
    corpus.write(tmp_path, iter([(3, utterance())]), stats)
    assert json.loads((tmp_path / "stats.json").read_text("utf-8")) == stats
    for number in (0, 2, 3):
        with np.load(tmp_path / f"{number:05d}.npz") as stored:
            assert stored["pitch"] == pytest.approx(
                corpus.by_phone((stored["f0"] - stats["f0_mean"]) / stats["f0_std"], durations), abs=1e-5
            )


def test_all_emotions_of_espeak_are_in_the_corpus(script: Script) -> None:
    emotions = script("corpus").EMOTIONS
    assert len({tuple(parameters(prosody(emotion)).values()) for emotion in emotions}) == 7
    assert set(emotions.values()) <= {row.removeprefix("emotion_") for row in ROWS}


def test_a_glide_is_followed_by_its_pitch(script: Script) -> None:
    hertz = np.linspace(80, 160, 16_000)
    phase = 2 * np.pi * np.cumsum(hertz) / 16_000
    samples = 0.1 * np.sum([np.sin(k * phase) / k for k in range(1, 8)], axis=0).astype(np.float32)
    samples[:4000] = 0
    f0, voiced = script("sound").pitch(samples, np.zeros(80, bool))
    assert not voiced[:18].any()
    assert voiced[22:].all()
    assert np.abs(f0[24:78] / hertz[100::200][24:78] - 1).max() < 0.03


def test_sentences_that_measure_are_never_drawn(script: Script) -> None:
    texts = script("texts")
    drawn = texts.Texts(3)
    assert "今天下午我们一起去看电影吧。" in drawn.held_out
    sentences = [next(sentences) for sentences in [drawn.sentences()] for _ in range(40)]
    assert all(texts.PHONES[0] <= texts.phones(sentence) <= 80 for sentence in sentences)


def test_a_training_step_brings_the_vocoder_closer_and_its_official_weights_sound_the_same(script: Script) -> None:
    vocoder = script("vocoder")
    torch.manual_seed(2)
    config = replace(vocoder.CONFIG, channels=16)
    network = vocoder.untrained(config)
    source = network.source_module.ffn[0].weight.clone()
    optimizer = torch.optim.Adam([value for value in network.parameters() if value.requires_grad], 2e-3)
    time = torch.arange(8000) / 16_000
    said = (0.1 * torch.sin(2 * torch.pi * 110 * time) + 0.05 * torch.sin(2 * torch.pi * 880 * time))[None]
    sound = script("sound")
    mel = sound.log_mel(sound.spectrum(said))
    f0, voiced = torch.full((1, 40), 110.0), torch.ones(1, 40)
    found = []
    for _ in range(10):
        made = network(mel, vocoder.excitation(network, f0, voiced))[:, 0]
        loss = sum(vocoder.losses(made, said).values(), torch.zeros(()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.9 * found[0]
    # Its pitch is not for training to lose.
    assert torch.equal(network.source_module.ffn[0].weight, source)
    section = Section("voc/config.yaml", vocoder.parameters(config))
    with torch.device("meta"):
        empty = Generator(generator_config(section, 16_000))
    tensors = vocoder.official(network)
    assert any(name.endswith("weight_g") for name in tensors)
    loaded = fill(empty, folded(tensors), "voc")
    excited = vocoder.excitation(network, f0, voiced, seed=1)
    assert torch.allclose(loaded(mel, excited), network(mel, excited), atol=1e-5)
