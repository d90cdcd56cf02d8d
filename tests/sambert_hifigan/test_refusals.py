"""What is wrong is refused with the file and the tensor; what is hostile is not run."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from small_voices import AM, NSF, VOC, Edit, Load, Make, Zip

from tingshuo import ModelError
from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.report import check


class Hostile:
    """Its pickle runs a command where pickles are trusted."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


def test_a_pickle_that_runs_code_is_refused_and_not_run(
    make_model: Make, load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    root = make_model()
    (root / AM).write_bytes(pickle.dumps({"model": Hostile()}))
    with pytest.raises(ModelError, match=r"checkpoint_100\.pth is no checkpoint of plain tensors"):
        load(root)
    torch.save({"model": Hostile()}, root / AM)
    with pytest.raises(ModelError, match="is no checkpoint of plain tensors"):
        load(root)
    assert not (tmp_path / "executed").exists()


def test_yaml_that_runs_code_is_refused(make_model: Make, tmp_path: Path) -> None:
    root = make_model()
    (root / "voices/small/am/config.yaml").write_text("Model: !!python/object/apply:os.system ['true']", "utf-8")
    with pytest.raises(ModelError, match=r"config\.yaml is no plain YAML"):
        open_model(root).voice("small")


@pytest.mark.parametrize("name", ["../outside.json", "/etc/voices.json", "voices\\..\\x"])
def test_a_zip_that_leads_out_of_itself_is_refused(make_first_generation: Make, name: str, zipped: Zip) -> None:
    root = make_first_generation()
    zipped(root / "voices", root / "voices.zip")
    with zipfile.ZipFile(root / "voices.zip", "a") as archive:
        archive.writestr(name, "x")
    (root / "voices/voices.json").unlink()
    with pytest.raises(ModelError, match="leads out of the zip"):
        open_model(root)


def test_a_zip_that_would_unpack_to_far_more_is_refused(make_first_generation: Make) -> None:
    root = make_first_generation()
    (root / "voices/voices.json").unlink()
    with zipfile.ZipFile(root / "voices.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voices/voices.json", '{"voices": ["old"]}')
        archive.writestr("voices/old/am/pytorch_model.bin", bytes(50 * 2**20))
    with pytest.raises(ModelError, match="would unpack to"):
        open_model(root)


def test_a_truncated_checkpoint_is_named(make_model: Make, load: Load) -> None:
    root = make_model()
    for name in (AM, VOC):
        whole = (root / name).read_bytes()
        (root / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match=Path(name).name):
            load(root)
        (root / name).write_bytes(whole)


def test_a_missing_misshapen_or_broken_tensor_is_named(make_model: Make, load: Load, edit_tensors: Edit) -> None:
    root = make_model()
    whole = (root / AM).read_bytes()
    name = "mel_postnet.fc.weight"
    edit_tensors(root / AM, lambda state: state["model"].pop(name))
    with pytest.raises(ModelError, match=rf"checkpoint_100\.pth lacks tensor {name}"):
        load(root)
    (root / AM).write_bytes(whole)
    edit_tensors(root / AM, lambda state: state["model"].update({name: torch.zeros(3, 4)}))
    with pytest.raises(ModelError, match=rf"tensor {name} is \(3, 4\); the configuration asks for"):
        load(root)
    edit_tensors(root / AM, lambda state: state["model"].update({name: torch.full((8, 4), torch.nan)}))
    with pytest.raises(ModelError, match=rf"tensor {name} has values that are not finite"):
        load(root)


def test_a_vocabulary_that_is_not_the_tables_is_refused(make_model: Make, load: Load, edit_tensors: Edit) -> None:
    root = make_model()
    name = "text_encoder.sy_emb.weight"
    edit_tensors(root / AM, lambda state: state["model"].update({name: torch.zeros(140, 16)}))
    with pytest.raises(ModelError, match=f"tensor {name} has 140 rows; the table of sy asks for 147 or 146"):
        load(root)


def test_a_missing_part_is_named(make_model: Make) -> None:
    for part, message in (
        ("voices/voices.json", "voices.json is missing"),
        ("voices/small/am/config.yaml", r"am/config\.yaml is missing"),
        ("voices/small/voc/config.yaml", r"config\.yaml is missing"),
        (AM, "am/ckpt holds no checkpoint"),
    ):
        root = make_model()
        (root / part).unlink()
        with pytest.raises(ModelError, match=message):
            open_model(root).voice("small")


@pytest.mark.parametrize("name", ["../small", "a/b", "", "..", 3])
def test_a_voice_whose_name_is_a_path_is_refused(make_model: Make, name: object) -> None:
    root = make_model()
    (root / "voices/voices.json").write_text(json.dumps({"voices": [name]}), "utf-8")
    with pytest.raises(ModelError, match="is no name of a voice"):
        open_model(root)


def test_a_link_out_of_the_directory_is_refused(make_model: Make, tmp_path: Path) -> None:
    root = make_model()
    (tmp_path / "secret.yaml").write_text("a: 1", "utf-8")
    (root / "voices/small/audio_config.yaml").unlink()
    (root / "voices/small/audio_config.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ModelError, match="lies outside the model"):
        open_model(root).voice("small")


@pytest.mark.parametrize(
    ("key", "value"),
    [("encoder_num_heads", 3), ("num_mels", "x"), ("outputs_per_step", 0), ("decoder_prenet_units", []), ("FP", 3)],
)
def test_a_wrong_number_in_the_configuration_is_named(
    make_model: Make, load: Load, key: str, value: object, edit_yaml: Edit
) -> None:
    root = make_model()
    place = root / "voices/small/am/config.yaml"
    edit_yaml(place, lambda content: content["Model"]["KanTtsSAMBERT"]["params"].update({key: value}))
    with pytest.raises(ModelError, match=rf"config\.yaml: .*{key}"):
        load(root)


def test_a_vocoder_for_other_frames_is_refused(make_model: Make, load: Load) -> None:
    with pytest.raises(ModelError, match=r"num_mels is 8; the vocoder of .* takes 10"):
        load(make_model(vocoder=NSF))


def test_check_reports_a_broken_voice_beside_a_whole_one(make_model: Make) -> None:
    root = make_model("good", "bad")
    (root / "voices/bad/voc/ckpt/checkpoint_0.pth").write_bytes(b"x")
    good, bad = check(root).voices
    assert not good.problem
    assert "checkpoint_0.pth" in bad.problem
