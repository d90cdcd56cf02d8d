"""Where models lie, and what tells two of them apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tingshuo.errors import ModelError
from tingshuo.settings import Settings
from tingshuo.types import Model
from tingshuo.weights import checksum, exclusive, find_model, install, installed, stored

OFFICIAL = "iic/SenseVoiceSmall"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "cache"))
    return Settings(data_dir=tmp_path / "data")


def folder(path: Path, content: bytes = b"weights") -> Path:
    path.mkdir(parents=True)
    (path / "model.pt").write_bytes(content)
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_auto_is_the_official_model_where_it_lies_and_the_starter_elsewhere(settings: Settings, tmp_path: Path) -> None:
    starter = tmp_path / "starter"
    assert find_model(settings, "auto", OFFICIAL, starter) == Model(f"starter ({OFFICIAL})", "starter", starter)
    place = folder(tmp_path / "cache" / "hub" / "models" / OFFICIAL)
    assert find_model(settings, "", OFFICIAL, starter) == Model(OFFICIAL, "official", place)
    place = folder(settings.model_store / OFFICIAL)
    assert find_model(settings, "auto", OFFICIAL, starter) == Model(OFFICIAL, "official", place)
    assert find_model(settings, "starter", OFFICIAL, starter).origin == "starter"


@pytest.mark.parametrize(
    "layout",
    ["hub/models/iic/Sense___2", "models/iic/Sense___2", "hub/iic/Sense.2", "models/iic--Sense.2/snapshots/master"],
)
def test_every_layout_of_modelscopes_cache_is_known(settings: Settings, tmp_path: Path, layout: str) -> None:
    assert installed(settings, "iic/Sense.2") is None
    place = folder(tmp_path / "cache" / layout)
    assert installed(settings, "iic/Sense.2") == place


def test_an_empty_folder_that_a_failed_download_left_is_no_model(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "cache" / "models" / "iic--SenseVoiceSmall" / "snapshots" / "master").mkdir(parents=True)
    assert find_model(settings, "auto", OFFICIAL, tmp_path).origin == "starter"


def test_a_folder_or_another_hub_model_can_be_named(settings: Settings, tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine")
    assert find_model(settings, str(mine), OFFICIAL, tmp_path) == Model("mine", "folder", mine)
    other = folder(settings.model_store / "me" / "tuned")
    assert find_model(settings, "me/tuned", OFFICIAL, tmp_path) == Model("me/tuned", "folder", other)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("iic/Gone", "tingshuo models pull iic/Gone"), ("/no/such/folder", "is no folder"), ("../x", "is no folder")],
)
def test_a_model_that_is_not_there_is_an_error_and_never_the_starter(
    settings: Settings, tmp_path: Path, setting: str, reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        find_model(settings, setting, OFFICIAL, tmp_path)


def test_the_checksum_is_that_of_the_main_weight_file(tmp_path: Path) -> None:
    model = Model("m", "folder", folder(tmp_path / "m", b"small"))
    (tmp_path / "m" / "tokens.bin").write_bytes(b"much longer than the weights")
    assert checksum(model) == sha256(b"small")
    (tmp_path / "m" / "model.pt").unlink()
    assert checksum(model) == sha256(b"much longer than the weights")
    assert checksum(Model("file", "folder", tmp_path / "m" / "tokens.bin")) == checksum(model)
    assert checksum(Model("built in", "embedded")) is None
    (tmp_path / "empty").mkdir()
    assert checksum(Model("empty", "folder", tmp_path / "empty")) is None


def test_a_file_that_changed_is_hashed_again(tmp_path: Path) -> None:
    model = Model("m", "folder", folder(tmp_path / "m", b"one"))
    path = tmp_path / "m" / "model.pt"
    assert checksum(model) == sha256(b"one")
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert checksum(model) == sha256(b"two")


def test_installing_replaces_what_is_there_and_leaves_nothing_else(settings: Settings, tmp_path: Path) -> None:
    folder(settings.model_store / OFFICIAL, b"old")
    new = folder(settings.model_store / ".partial" / "new", b"new")
    assert install(settings, new, OFFICIAL) == installed(settings, OFFICIAL)
    assert stored(settings) == {OFFICIAL: settings.model_store / OFFICIAL}
    assert [path for path in settings.model_store.rglob("*") if path.is_file()] == [
        settings.model_store / OFFICIAL / "model.pt"
    ]


def test_one_process_at_a_time_brings_a_model(settings: Settings) -> None:
    with (
        exclusive(settings, "iic--x"),
        pytest.raises(ModelError, match="another process"),
        exclusive(settings, "iic--x"),
    ):
        pass
    with exclusive(settings, "iic--x"):
        pass
