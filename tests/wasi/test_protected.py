"""Folders of compiled code: all that the process uses, what is on the way to them, and those that are not made yet."""

import os
from pathlib import Path

import pytest

import wasmjit
from tests.wasi.guest import CREAT, DIRECTORY, FIRST, READ, Guest
from wasmjit.native import cache
from wasmjit.wasi import Dir, Wasi, protected

pytestmark = pytest.mark.usefixtures("resolution")

EMPTY = b"\0asm\1\0\0\0"


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own folder is elsewhere, and nothing is known yet."""
    own = tmp_path / "own"
    own.mkdir(0o700)
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(own))
    monkeypatch.setattr(protected, "_known", protected.Known())
    folders: set[str] = set()
    for room in (cache, protected):
        monkeypatch.setattr(room, "FOLDERS", folders)


def given(folder: Path) -> Guest:
    return Guest(Wasi(dirs={"/": folder}))


def test_folders_that_modules_name(tmp_path: Path) -> None:
    folder = tmp_path / "guest/deep/mine"
    folder.mkdir(parents=True)
    (folder / "code").write_bytes(b"code")
    guest = given(tmp_path / "guest")
    assert guest.read(guest.open("deep/mine/code")) == b"code"
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=folder))
    for path in ("deep/mine", "deep/mine/code", "deep/mine/", "deep/../deep/mine/code"):
        assert guest.try_open(path) == guest.call("path_filestat_get", FIRST, 1, f"{path}/x", 64) == "ACCES", path
    deep = guest.open("deep", DIRECTORY)
    assert guest.try_open("mine/code", fd=deep) == guest.try_open("mine", fd=deep) == "ACCES"
    assert guest.call("path_rename", deep, "mine", deep, "x") == guest.call("path_rename", FIRST, "deep", FIRST, "x") == "ACCES"
    with pytest.raises(PermissionError):
        given(folder)
    assert (folder / "code").read_bytes() == b"code"


def test_the_users_folder_is_protected_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own/code").write_bytes(b"code")
    (tmp_path / "other").mkdir()
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=str(tmp_path / "other")))
    guest = given(tmp_path)
    assert guest.try_open("own/code") == guest.try_open("own") == guest.try_open("other") == guest.try_open("other/x", CREAT) == "ACCES"


def test_relative_settings_mean_the_folder_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache="here"))
    monkeypatch.chdir("/")
    assert given(tmp_path).try_open("here") == "ACCES"


def test_links_on_the_way_stay(tmp_path: Path) -> None:
    """The path of the cache goes through a link: whoever replaced that would say where code comes from."""
    (tmp_path / "guest").mkdir()
    (tmp_path / "guest/data/code").mkdir(parents=True)
    (tmp_path / "guest/.cache").symlink_to("data")
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=tmp_path / "guest/.cache/code"))
    guest = given(tmp_path / "guest")
    guest.good("path_create_directory", FIRST, "evil")
    for error in (
        guest.call("path_unlink_file", FIRST, ".cache"),
        guest.call("path_rename", FIRST, ".cache", FIRST, "x"),
        guest.call("path_rename", FIRST, "data", FIRST, "x"),
        guest.call("path_rename", FIRST, "evil", FIRST, "data/code"),
        guest.try_open(".cache/code/x", CREAT),
    ):
        assert error == "ACCES"
    guest.good("path_symlink", "data/code", FIRST, "way")
    assert guest.try_open("way/x", CREAT) == "ACCES"


@pytest.mark.parametrize("missing", ["code", "a/b/code"])
@pytest.mark.parametrize("way", ["path_create_directory", "path_symlink", "path_rename"])
def test_a_missing_folder_is_not_made_by_a_guest(tmp_path: Path, missing: str, way: str) -> None:
    """With a umask of 077 the folder that a guest made would be trusted."""
    (tmp_path / "guest/mine").mkdir(parents=True)
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=tmp_path / "guest" / missing))
    guest = given(tmp_path / "guest")
    first = missing.split("/")[0]
    before = {"path_create_directory": (), "path_symlink": ("mine",), "path_rename": (FIRST, "mine")}
    assert guest.call(way, *before[way], FIRST, first) == ("ACCES" if way == "path_rename" else "EXIST")
    assert guest.try_open(missing) == "ACCES"
    assert (tmp_path / "guest" / missing).stat().st_mode & 0o777 == 0o700 and os.listdir(tmp_path / "guest" / missing) == []


def test_a_guest_elsewhere_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "guest").mkdir()
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=tmp_path / "code"))
    given(tmp_path / "guest").good("path_create_directory", FIRST, "code")
    Guest(Wasi(dirs=[Dir(tmp_path, "/", readonly=True)])).open("guest/code", DIRECTORY, READ)
    assert not (tmp_path / "code").exists()


def test_a_folder_that_is_made_later(tmp_path: Path) -> None:
    wasmjit.Module(EMPTY, config=wasmjit.Config(cache=tmp_path / "a/code"))
    guest = given(tmp_path)
    assert guest.try_open("a/code/x") == "NOENT"
    (tmp_path / "a/code").mkdir(parents=True)
    (tmp_path / "a/code/x").write_bytes(b"code")
    assert guest.try_open("a/code/x") == guest.try_open("a/code") == "ACCES"
