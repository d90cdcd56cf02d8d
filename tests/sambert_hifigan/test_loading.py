"""Every variant and layout is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_voices import AM, NSF, VOC, Edit, Load, Make, Zip

from tingshuo import ModelError
from tingshuo_sambert_hifigan.checkpoint import folded
from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.report import check
from tingshuo_sambert_hifigan.tables import PHONES, TONES
from tingshuo_sambert_hifigan.trace import trace


@pytest.mark.parametrize("mask", [True, False])
def test_a_voice_is_read_with_and_without_the_mask_symbol(
    make_model: Make, load: Load, symbols: str, mask: bool
) -> None:
    root = make_model(mask=mask)
    assert trace(load(root), symbols)["wav"].size
    assert check(root).voices[0].has_mask is mask


def test_a_nsf_voice_takes_f0_from_mean_and_deviation_or_from_a_range(
    make_model: Make, load: Load, symbols: str
) -> None:
    acoustic = {"NSF": True, "num_mels": 10}
    root = make_model(acoustic=acoustic, vocoder=NSF)
    with pytest.raises(ModelError, match=r"mvn\.npy is missing"):
        load(root)
    np.save(root / "voices/small/am/mvn.npy", np.array([[200.0], [50.0]]))
    found = trace(load(root), symbols)
    f0 = found["postnet"][:, -2].astype(np.float64) * 50 + 200
    assert np.allclose(found["mel"][:, -2], np.maximum(f0, 30), atol=1e-4)
    assert set(np.unique(found["mel"][:, -1])) <= {0.0, 1.0}
    ranged = trace(load(make_model(acoustic={**acoustic, "nsf_norm_type": "global"}, vocoder=NSF)), symbols)
    assert np.allclose(ranged["mel"][:, -2], np.maximum(ranged["postnet"][:, -2] * 700 + 30, 30), atol=1e-3)


def test_a_voice_with_a_speaker_embedding_speaks_with_it(make_model: Make, load: Load, symbols: str) -> None:
    root = make_model(acoustic={"SE": True, "speaker_units": 6})
    with pytest.raises(ModelError, match=r"se\.npy is missing"):
        load(root)
    waves = []
    for value in (0.0, 1.0):
        np.save(root / "voices/small/am/se.npy", np.full((1, 6), value, np.float32))
        waves.append(trace(load(root), symbols)["postnet"])
    assert waves[0].shape != waves[1].shape or not np.allclose(waves[0], waves[1])
    np.save(root / "voices/small/am/se.npy", np.zeros((1, 5), np.float32))
    with pytest.raises(ModelError, match=r"se\.npy has shape \(1, 5\)"):
        load(root)


@pytest.mark.parametrize("scales", [[8, 5, 3, 2], [5, 5, 2, 2], [10, 5, 3, 2, 2]])
@pytest.mark.parametrize("causal", [True, False])
def test_the_official_hops_are_read(
    make_model: Make, load: Load, symbols: str, scales: list[int], causal: bool
) -> None:
    kernels = [2 * scale for scale in scales]
    sizes = {"upsample_scales": scales, "upsample_kernal_sizes": kernels, "channels": 32, "causal": causal}
    found = trace(load(make_model(vocoder=sizes, sample_rate=80 * int(np.prod(scales)))), symbols)
    assert found["wav"].size == found["frames"] * np.prod(scales)


@pytest.mark.parametrize("language", ["Sichuan", "ZhHK", "WuuShanghai"])
def test_dialect_voices_are_read(make_model: Make, load: Load, language: str) -> None:
    tone = TONES[language][0]
    line = f"{{{PHONES[language][3]}${tone}$s_both$word_both$emotion_neutral$F7}}"
    assert trace(load(make_model(language=language)), line)["wav"].size


def test_a_voice_that_reads_bytes_is_read(make_model: Make, load: Load) -> None:
    root = make_model(acoustic={"using_byte": True})
    found = trace(load(root), "{228$emotion_neutral$F7} {189$emotion_neutral$F7} {46$emotion_none$F7}")
    assert found["feats"].shape == (3, 4)


def test_filled_pauses_make_a_line_longer(make_model: Make, load: Load, symbols: str) -> None:
    voice = load(make_model(acoustic={"FP": True}))
    voice.acoustic.FP_predictor.fc.bias.copy_(torch.tensor([0.0, 50.0, 0.0, 0.0]))
    assert len(trace(voice, symbols)["log_dur"]) == 5 * 4
    voice.acoustic.FP_predictor.fc.bias.copy_(torch.tensor([50.0, 0.0, 0.0, 0.0]))
    assert len(trace(voice, symbols)["log_dur"]) == 5


def test_the_checkpoint_of_the_highest_step_is_read(make_model: Make) -> None:
    root = make_model()
    for step in (9, 1000, 99):
        (root / f"voices/small/am/ckpt/checkpoint_{step}.pth").write_bytes(b"")
    assert open_model(root).voice("small").acoustic_weights.endswith("checkpoint_1000.pth")


def test_training_checkpoints_are_read_and_the_aligner_is_left_out(
    make_model: Make, load: Load, symbols: str, edit_tensors: Edit
) -> None:
    root = make_model()
    wanted = trace(load(root), symbols)["wav"]
    edit_tensors(root / AM, lambda state: state["model"].update({"align_attention.key.weight": torch.ones(2)}))
    edit_tensors(root / VOC, lambda state: state["model"].update(discriminator={"x": torch.ones(2)}))
    assert np.array_equal(trace(load(root), symbols)["wav"], wanted)
    assert check(root).voices[0].ignored_tensors == ()


def test_weight_norm_is_folded_from_both_of_torchs_forms_and_left_where_there_is_none() -> None:
    v, g = torch.randn(3, 2, 5), torch.rand(3, 1, 1)
    weight = g * v / v.flatten(1).norm(dim=1).view(3, 1, 1)
    old = folded({"a.weight_g": g, "a.weight_v": v})
    new = folded({"a.parametrizations.weight.original0": g, "a.parametrizations.weight.original1": v})
    assert torch.allclose(old["a.weight"], weight)
    assert torch.allclose(new["a.weight"], weight)
    assert folded({"a.weight": v})["a.weight"] is v


def test_a_listed_voice_without_a_folder_is_skipped_and_reported(make_model: Make) -> None:
    root = make_model("first", "second")
    (root / "voices/voices.json").write_text('{"voices": ["gone", "second", "first"]}', "utf-8")
    directory = open_model(root)
    assert directory.names == ("second", "first")
    assert check(root).absent == ("gone",)


def test_generation_1_is_read_unpacked_and_zipped(
    make_first_generation: Make, load: Load, symbols: str, zipped: Zip
) -> None:
    root = make_first_generation()
    wanted = trace(load(root), symbols)["wav"]
    zipped(root / "voices", root / "voices.zip")
    for path in sorted((root / "voices").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (root / "voices").rmdir()
    assert np.array_equal(trace(load(root), symbols)["wav"], wanted)
    assert not (root / "voices").exists()
    assert check(root).voices[0].generation == 1


def test_generation_2_takes_its_tables_from_the_dict_folder(make_model: Make, load: Load, edit_tensors: Edit) -> None:
    phones, tones = ("x1", "x2"), ("tone1", "tone_none")
    root = make_model(language="Martian")
    place = root / "voices/small/dict/Martian"
    place.mkdir(parents=True)
    names = "".join(f"<phone><id>{number}</id><name>{name}</name></phone>" for number, name in enumerate(phones))
    xml = f'<phoneSet xmlns="http://schemas.alibaba-inc.com/tts">{names}</phoneSet>'
    (place / "PhoneSet.xml").write_text(xml, "utf-8")
    (place / "tonelist.txt").write_text("1\n\n", "utf-8")

    def resize(state: Any) -> None:
        for name, rows in (("sy_emb", len(phones) + 7), ("tone_emb", len(tones) + 3)):
            state["model"][f"text_encoder.{name}.weight"] = torch.randn(rows, 16)

    edit_tensors(root / AM, resize)
    assert trace(load(root), "{x2$tone1$s_both$word_both$emotion_neutral$F7}")["wav"].size
    (place / "PhoneSet.xml").write_text(f"<!DOCTYPE x [<!ENTITY a 'b'>]>{xml}", "utf-8")
    with pytest.raises(ModelError, match="document type"):
        load(root)


def test_a_personal_voice_is_read_from_the_parts_its_card_names(make_model: Make, load: Load, symbols: str) -> None:
    root = make_model()
    wanted = trace(load(root), symbols)["wav"]
    (root / "voices/small").rename(root / "base")
    (root / "voices/voices.json").unlink()
    parts = {"am_ckpt": "base/am/ckpt", "voc_ckpt": "base/voc/ckpt/checkpoint_0.pth"}
    parts |= {"am_config": "base/am/config.yaml", "voc_config": "base/voc/config.yaml"}
    card = {"model": {"custom_ckpt": {"voice_name": "mine", "audio_config": "base/audio_config.yaml", **parts}}}
    (root / "configuration.json").write_text(json.dumps(card), "utf-8")
    assert np.array_equal(trace(load(root, "mine"), symbols)["wav"], wanted)


def test_a_whole_model_is_read_from_one_zip(
    make_model: Make, load: Load, symbols: str, tmp_path: Path, zipped: Zip
) -> None:
    root = make_model()
    zipped(root, tmp_path / "all.zip")
    assert np.array_equal(trace(load(tmp_path / "all.zip"), symbols)["wav"], trace(load(root), symbols)["wav"])
