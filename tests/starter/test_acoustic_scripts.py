"""The scripts of the starter voice's acoustic model: network, batches, training step, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "starter" / "sambert_hifigan"
GOLDEN = ROOT / "tests" / "sambert_hifigan" / "golden" / "nsf16k-12"
Script = Callable[[str], ModuleType]
SMALL = {
    "embedding_dim": 16,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_num_units": 16,
    "encoder_ffn_inner_dim": 24,
    "encoder_projection_units": 8,
    "speaker_units": 4,
    "emotion_units": 4,
    "predictor_filter_size": 7,
    "predictor_num_memory_units": 8,
    "predictor_ffn_inner_dim": 8,
    "predictor_lstm_units": 8,
    "dur_pred_prenet_units": (8, 8),
    "dur_pred_lstm_units": 8,
    "decoder_prenet_units": (16, 16),
    "decoder_num_layers": 2,
    "decoder_num_heads": 2,
    "decoder_num_units": 16,
    "decoder_ffn_inner_dim": 24,
    "postnet_filter_size": 9,
    "postnet_fsmn_num_layers": 2,
    "postnet_num_memory_units": 8,
    "postnet_ffn_inner_dim": 8,
    "postnet_shift": 2,
    "postnet_lstm_units": 8,
    "max_len": 64,
}
LINE = (
    "{n_c$tone3$s_begin$word_begin$emotion_happy$F7} {i_c$tone3$s_end$word_end$emotion_happy$F7} "
    "{#1$tone_none$s_none$word_none$emotion_none$F7} {h_c$tone3$s_begin$word_begin$emotion_happy$F7} "
    "{ao_c$tone3$s_end$word_end$emotion_happy$F7} {#4$tone_none$s_none$word_none$emotion_none$F7}"
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six utterances of noise in the form that `corpus.py` writes."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "corpus"
    folder.mkdir()
    tokens = LINE.split(" ")
    for number in range(6):
        line = [token for _ in range(number % 3 + 1) for token in tokens]
        durations = rng.integers(0, 9, len(line)).astype(np.int32)
        count = int(durations.sum())
        np.savez(
            folder / f"{number:05d}.npz",
            line=" ".join(line),
            emotion="happy",
            duration=durations,
            mel=rng.normal(size=(count, 80)).astype(np.float32),
            f0=rng.uniform(80, 120, count).astype(np.float32),
            voiced=(rng.random(count) < 0.6).astype(np.float32),
            pitch=rng.normal(size=len(line)).astype(np.float32),
            energy=rng.normal(size=len(line)).astype(np.float32),
        )
    (folder / "stats.json").write_text(json.dumps({"f0_mean": 100.0, "f0_std": 20.0}))
    return folder


def _golden(script: Script) -> Any:
    """The small voice of the golden vectors in the network for training."""
    sambert = script("sambert")
    config = yaml.safe_load((GOLDEN / "voices/golden/am/config.yaml").read_text("utf-8"))
    values = config["Model"]["KanTtsSAMBERT"]["params"]
    known = {field.name for field in fields(sambert.Sizes)}
    chosen = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if name in known}
    tensors = torch.load(GOLDEN / "voices/golden/am/ckpt/checkpoint_0.pth", weights_only=True)["model"]
    model = sambert.Sambert(sambert.Sizes(**chosen, speaker_rows=len(tensors["spk_tokenizer.weight"])))
    model.load_state_dict(tensors)
    return model.eval()


def _spoken(script: Script, ids: Any, log_durations: Any, pitch: Any, energy: Any) -> Any:
    """A batch of one line as a voice in use said it; the frames are zeros."""
    batches = script("acoustic_batches")
    durations = np.floor(np.exp(log_durations.astype(np.float64)) - 0.5).astype(np.int64)
    frames = np.zeros((int(durations.sum()), 82), np.float32)
    batch = batches.batched([batches.Utterance("0", ids, durations, frames, pitch, energy)])
    # The decoder's band and the duration predictor go by the durations before they are rounded.
    batch.speech.durations = torch.from_numpy(np.exp(log_durations)[None] - 1)
    return batch


@pytest.mark.parametrize("case", ["zh", "mixed", "long"])
@torch.no_grad()
def test_all_steps_at_once_give_what_the_reference_gives_step_by_step(script: Script, case: str) -> None:
    sambert, model = script("sambert"), _golden(script)
    stored = np.load(GOLDEN / f"{case}.npz")
    ids = stored["feats"][:, :-1].T.astype(np.int64)
    batch = _spoken(script, ids, stored["log_dur"], stored["pitch"], stored["energy"])
    count = int(stored["frames"])
    frames = torch.zeros_like(batch.frames)
    frames[0, :count] = torch.from_numpy(stored["dec"])
    predicted, memory = model.variance(batch.speech, torch.tensor([False]))
    decoded = model.decode(batch.speech, memory, sambert.before_steps(frames, 3))
    found = {
        "log_dur": predicted.durations.relu()[0],
        "pitch": predicted.pitch[0],
        "energy": predicted.energy[0],
        "dec": decoded[0, :count],
        "postnet": model.postnet(batch.speech, frames)[0, :count],
    }
    for name, value in found.items():
        assert value.numpy() == pytest.approx(stored[name], abs=1e-4), name


@torch.no_grad()
def test_a_line_says_the_same_in_a_batch_as_alone(script: Script, corpus: Path) -> None:
    batches, sambert = script("acoustic_batches"), script("sambert")
    torch.manual_seed(1)
    model = sambert.Sambert(sambert.Sizes(**SMALL)).eval()
    stored = batches.Corpus(corpus, batches.F0Scale.of(corpus))
    assert stored.update() == 6
    several = list(stored.utterances.values())[:3]

    def finished(group: list[Any]) -> Any:
        batch = batches.batched(group)
        _, memory = model.variance(batch.speech, torch.zeros(len(group), dtype=torch.bool))
        decoded = model.decode(batch.speech, memory, sambert.before_steps(batch.frames, 3))
        return model.postnet(batch.speech, decoded)

    together = finished(several)
    for row, one in zip(together, several, strict=True):
        alone = finished([one])[0, : len(one.frames)]
        assert row[: len(one.frames)].numpy() == pytest.approx(alone.numpy(), abs=1e-5)


def test_warping_changes_the_tempo_and_nothing_else(script: Script, corpus: Path) -> None:
    batches = script("acoustic_batches")
    one = batches.read(corpus / "00002.npz", batches.alphabet(), batches.F0Scale.of(corpus))
    longer = batches.warped(one, 1.5)
    assert longer.durations.sum() == len(longer.frames)
    assert len(longer.frames) == pytest.approx(1.5 * len(one.frames), abs=1)
    assert longer.frames.mean(0)[:80] == pytest.approx(one.frames.mean(0)[:80], abs=0.2)
    assert set(longer.frames[:, 81]) <= {0, 1}
    assert not longer.even


def test_training_learns_and_goes_on_where_it_stopped(script: Script, corpus: Path, tmp_path: Path) -> None:
    training, sambert, batches = (script(name) for name in ("acoustic_training", "sambert", "acoustic_batches"))
    torch.manual_seed(1)
    sizes = sambert.Sizes(**SMALL)
    run = training.Run(tmp_path / "run", sizes, minutes=1)
    stored = training.measure(run, corpus)
    endless = batches.endless(stored, 1)
    # Half of the time over: the decoder sees its own frames, the lines their own pitch.
    run.spent = 30.0
    first = [sum(run.update(next(endless)).values()) for _ in range(25)]
    assert np.mean(first[-4:]) < 0.9 * np.mean(first[:4])
    run.save()
    again = training.Run(tmp_path / "run", sizes, minutes=1)
    assert (again.step, again.spent) == (25, 30.0)
    assert again.scale == run.scale
    again.budget = again.spent + 0.2
    again.train(endless)
    assert again.step > 25


@torch.no_grad()
def test_an_exported_voice_says_what_the_trained_network_says(script: Script, tmp_path: Path) -> None:
    from tingshuo_sambert_hifigan.directory import open_model
    from tingshuo_sambert_hifigan.loading import load_voice
    from tingshuo_sambert_hifigan.report import check
    from tingshuo_sambert_hifigan.trace import trace

    sambert, export, copies = script("sambert"), script("voice_export"), script("copy_mels")
    torch.manual_seed(2)
    sizes = sambert.Sizes(**SMALL)
    state = {name: value.half().float() for name, value in sambert.Sambert(sizes).state_dict().items()}
    acoustic = {"sizes": vars(sizes), "average": state, "step": 7, "f0": (100.0, 20.0)}
    params = yaml.safe_load((GOLDEN / "voices/golden/voc/config.yaml").read_text("utf-8"))
    generator = torch.load(GOLDEN / "voices/golden/voc/ckpt/checkpoint_0.pth", weights_only=True)["model"]["generator"]
    vocoder = {"params": params["Model"]["Generator"]["params"], "generator": generator, "step": 9}
    export.export(acoustic, vocoder, tmp_path / "voice")
    (told,) = check(tmp_path / "voice").voices
    assert not told.problem
    assert not told.notes
    assert told.rows == export.EMOTIONS
    voice = load_voice(open_model(tmp_path / "voice").voice("starter"), torch.device("cpu")).voice
    found = trace(voice, LINE)
    model = copies.trained(acoustic)
    batch = _spoken(
        script, found["feats"][:, :-1].T.astype(np.int64), found["log_dur"], found["pitch"], found["energy"]
    )
    finished = copies.spoken(model, batch)[0, : int(found["frames"])]
    assert len(finished) > 10
    assert finished.numpy() == pytest.approx(found["postnet"], abs=0.01)


def test_the_model_card_lies_beside_the_weights() -> None:
    shipped = ROOT / "plugins" / "sambert_hifigan" / "src" / "tingshuo_sambert_hifigan" / "starter"
    assert (shipped / "MODEL_CARD.md").read_text("utf-8") == (SCRIPTS / "MODEL_CARD.md").read_text("utf-8")
