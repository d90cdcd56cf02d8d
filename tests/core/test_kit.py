"""A kit from elsewhere is not trusted: whatever is wrong with it, nothing is put in place."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tingshuo.errors import ModelError
from tingshuo.kit import INDEX, Kit, export_kit, import_kit
from tingshuo.manifest import Manifest, ManifestFile
from tingshuo.settings import Settings

Change: TypeAlias = Callable[[dict[str, Any]], None]

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def index(path: str = "model.pt", sha256: str = SHA256, size: int = len(CONTENT)) -> bytes:
    file = ManifestFile(sha256=sha256, size=size)
    manifest = Manifest.model_construct(hub_id="iic/Tiny", revision="v1", files={path: file})
    return Kit.model_construct(models=(manifest,)).model_dump_json().encode()


def write(target: Path, members: list[tuple[tarfile.TarInfo | str, bytes]]) -> Path:
    with tarfile.open(target, "w") as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target


def refused(settings: Settings, kit: Path) -> str:
    with pytest.raises(ModelError) as caught:
        import_kit(settings, kit, lambda done, total: None)
    store = settings.model_store
    assert not [path for path in store.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return caught.value.message


def test_a_good_kit_is_put_in_place(settings: Settings, tmp_path: Path) -> None:
    kit = write(tmp_path / "kit.tar", [(INDEX, index()), ("iic/Tiny/model.pt", CONTENT)])
    seen: list[tuple[int, int]] = []
    assert import_kit(settings, kit, lambda done, total: seen.append((done, total))) == {"iic/Tiny": True}
    assert (settings.model_store / "iic" / "Tiny" / "model.pt").read_bytes() == CONTENT
    assert seen == [(7, 7)]


@pytest.mark.parametrize(
    "path",
    ["../evil", "/evil", "a/../../../evil", "a\\..\\evil", "", ".", "a//b", "a\nb", "\x1b[2J", "C:/evil", "x" * 300],
)
def test_a_path_out_of_the_folder_is_refused(settings: Settings, tmp_path: Path, path: str) -> None:
    kit = write(tmp_path / "kit.tar", [(INDEX, index(path)), (f"iic/Tiny/{path}", CONTENT)])
    assert "no file name below a model folder" in refused(settings, kit)
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_refused(settings: Settings, tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("iic/Tiny/model.pt")
    member.type, member.linkname = kind, "/etc/passwd"
    assert "not the plain file" in refused(settings, write(tmp_path / "kit.tar", [(INDEX, index()), (member, b"")]))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([], "its first member is not kit.json"),
        ([("iic/Tiny/model.pt", CONTENT), (INDEX, index())], "its first member is not kit.json"),
        ([(INDEX, b"{}")], "kit.json of the kit is wrong at models"),
        ([(INDEX, b"no json")], "kit.json of the kit is wrong"),
        ([(INDEX, index())], "cut short: 'iic/Tiny/model.pt' is missing"),
        ([(INDEX, index()), ("iic/Tiny/other.pt", CONTENT)], "its index does not name"),
        ([(INDEX, index()), ("iic/Tiny/model.pt", CONTENT), ("iic/Tiny/model.pt", CONTENT)], "or names once only"),
        ([(INDEX, index()), ("iic/Tiny/model.pt", b"WEIGHTS")], "is damaged"),
        ([(INDEX, index()), ("iic/Tiny/model.pt", CONTENT + b"more")], "not the plain file of 7 bytes"),
        ([(INDEX, index(size=10**18)), ("iic/Tiny/model.pt", CONTENT)], "GB are needed"),
    ],
)
def test_a_kit_that_differs_from_its_index_is_refused(
    settings: Settings, tmp_path: Path, members: list[tuple[tarfile.TarInfo | str, bytes]], reason: str
) -> None:
    assert reason in refused(settings, write(tmp_path / "kit.tar", members))


def test_more_files_than_a_model_has_are_refused(settings: Settings, tmp_path: Path) -> None:
    file = ManifestFile(sha256=SHA256, size=7)
    many = Manifest.model_construct(hub_id="iic/Tiny", revision="v1", files={f"{n}": file for n in range(10_001)})
    kit = Kit.model_construct(models=(many,)).model_dump_json().encode()
    assert "at most 10000" in refused(settings, write(tmp_path / "kit.tar", [(INDEX, kit)]))


def test_a_torn_kit_and_a_file_that_is_no_tar_are_refused(settings: Settings, tmp_path: Path) -> None:
    kit = write(tmp_path / "kit.tar", [(INDEX, index(size=7)), ("iic/Tiny/model.pt", CONTENT)])
    for end in (300, 700, 1200, 1540):
        torn = tmp_path / "torn.tar"
        torn.write_bytes(kit.read_bytes()[:end])
        refused(settings, torn)
    (tmp_path / "kit.tar").write_bytes(b"PK\x03\x04 this is a zip")
    assert "is no kit" in refused(settings, kit)
    assert "cannot be read" in refused(settings, tmp_path / "nowhere.tar")


def test_nothing_of_the_machine_gets_into_a_kit(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.pt").write_bytes(CONTENT)
    (folder / "link.pt").symlink_to("/etc/passwd")
    export_kit({"iic/Tiny": folder}, tmp_path / "kit.tar", lambda done, total: None)
    with tarfile.open(tmp_path / "kit.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [INDEX, "iic/Tiny/model.pt"]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
    assert str(tmp_path).encode() not in (tmp_path / "kit.tar").read_bytes()
