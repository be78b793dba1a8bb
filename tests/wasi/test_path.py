"""Paths: each function with good and bad calls; what is refused for safety stands in test_sandbox.py."""

import os
from pathlib import Path

import pytest

from tests.wasi.guest import ALL, BUFFER, CREAT, DIRECTORY, EXCL, FIRST, READ, RESULT, TRUNC, WRITE, Guest
from wasmjit.wasi import Wasi

pytestmark = pytest.mark.usefixtures("resolution")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "dir" / "nested").mkdir(parents=True)
    (tmp_path / "dir" / "nested" / "file").write_bytes(b"deep")
    (tmp_path / "link").symlink_to("dir/nested/file")
    (tmp_path / "dirlink").symlink_to("dir/nested")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.fixture
def guest(root: Path) -> Guest:
    return Guest(Wasi(dirs={"/": root}))


@pytest.mark.parametrize(
    "path",
    [
        "dir/nested/file",
        "./dir//nested///file",
        "dir/.//nested/../../dir/nested/../nested///./file",
        "dirlink/file",
        "link",
        "dirlink/../nested/file",
    ],
)
def test_ways_to_a_file(guest: Guest, path: str) -> None:
    assert guest.read(guest.open(path)) == b"deep"
    assert guest.status(path)["size"] == 4


@pytest.mark.parametrize("path", [".", "./", "dir", "dir/", "dir///", "dirlink", "dirlink/", "dir/.", "dir/nested/.."])
def test_ways_to_a_directory(guest: Guest, path: str) -> None:
    for oflags in (0, DIRECTORY):
        assert guest.fd_status(guest.open(path, oflags))["type"] == 3
    assert guest.status(path)["type"] == 3


@pytest.mark.parametrize(
    ("path", "oflags", "error"),
    [
        ("missing", 0, "NOENT"),
        ("missing/file", 0, "NOENT"),
        ("", 0, "NOENT"),
        ("file/", 0, "NOTDIR"),
        ("file/x", 0, "NOTDIR"),
        ("file/..", 0, "NOTDIR"),
        ("file/.", 0, "NOTDIR"),
        ("file", DIRECTORY, "NOTDIR"),
        ("link", DIRECTORY, "NOTDIR"),
        ("dangling", 0, "NOENT"),
        ("loop", 0, "LOOP"),
        ("loop/x", 0, "LOOP"),
        ("file", CREAT | EXCL, "EXIST"),
        ("dangling", CREAT | EXCL, "EXIST"),
        ("dir", CREAT, "ISDIR"),
        ("new/", CREAT, "ISDIR"),
        ("dir", TRUNC, "ISDIR"),
        ("dir", DIRECTORY | CREAT, "INVAL"),
        ("file", 16, "INVAL"),
        ("x" * 256, 0, "NAMETOOLONG"),
        ("x/" * 2500, 0, "NAMETOOLONG"),
        (b"\xff", 0, "ILSEQ"),
        ("file\0", 0, "INVAL"),
    ],
)  # fmt: skip
def test_opening_fails(guest: Guest, path: str, oflags: int, error: str) -> None:
    assert guest.try_open(path, oflags) == error


def test_opening_makes_and_empties(guest: Guest, root: Path) -> None:
    guest.open("dir/new", CREAT | EXCL)
    assert (root / "dir" / "new").stat().st_mode & 0o777 == 0o666 & ~current_umask()
    guest.open("file", TRUNC)
    assert (root / "file").read_bytes() == b""
    guest.open("dangling", CREAT)  # makes what the link names
    assert (root / "nowhere").exists()
    guest.open("link", TRUNC, rights=0)
    assert (root / "dir/nested/file").read_bytes() == b""
    assert guest.call("path_open", FIRST, 2, "file", 0, READ, 0, 0, RESULT) == "INVAL"


def current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_links_are_followed_only_when_asked(guest: Guest) -> None:
    assert guest.try_open("link", follow=0) == "LOOP"
    assert guest.try_open("dirlink", DIRECTORY, follow=0) == "NOTDIR"
    assert guest.try_open("dangling", CREAT, follow=0) == "LOOP"
    assert guest.read(guest.open("dirlink/file", follow=0)) == b"deep"  # those before the last component always
    assert guest.fd_status(guest.open("dirlink/", follow=0))["type"] == 3
    assert guest.status("link", follow=0)["type"] == 7 and guest.status("link")["type"] == 4
    assert guest.call("path_filestat_get", FIRST, 1, "dangling", 64) == "NOENT"
    assert guest.status("dangling", follow=0)["type"] == 7
    assert guest.call("path_filestat_get", FIRST, 2, "file", 64) == "INVAL"
    assert guest.call("path_filestat_get", FIRST, 1, "link/", 64) == guest.call("path_filestat_get", FIRST, 1, "file/", 64) == "NOTDIR"


def test_chains_of_links(guest: Guest, root: Path) -> None:
    previous = "file"
    for number in range(41):
        (root / f"chain{number}").symlink_to(previous)
        previous = f"chain{number}"
    assert guest.status("chain39")["size"] == 10
    assert guest.call("path_filestat_get", FIRST, 1, "chain40", 64) == "LOOP"


def test_directories_are_made_and_removed(guest: Guest, root: Path) -> None:
    guest.good("path_create_directory", FIRST, "dir/new/")
    guest.good("path_create_directory", FIRST, "dirlink/inner")
    assert (root / "dir/nested/inner").is_dir()
    for path, error in {
        "dir": "EXIST",
        "file": "EXIST",
        ".": "EXIST",
        "dangling": "EXIST",
        "missing/new": "NOENT",
        "file/new": "NOTDIR",
        "": "NOENT",
    }.items():
        assert guest.call("path_create_directory", FIRST, path) == error, path
    guest.good("path_remove_directory", FIRST, "dir/new/")
    for path, error in {
        "dir": "NOTEMPTY",
        "file": "NOTDIR",
        "file/": "NOTDIR",
        "dirlink": "NOTDIR",
        "missing": "NOENT",
        ".": "INVAL",
    }.items():
        assert guest.call("path_remove_directory", FIRST, path) == error, path


def test_files_are_unlinked(guest: Guest, root: Path) -> None:
    for path, error in {
        "dir": "ISDIR",
        "dir/": "ISDIR",
        "file/": "NOTDIR",
        "missing": "NOENT",
        "missing/": "NOENT",
        ".": "ISDIR",
        "link/": "NOTDIR",
    }.items():
        assert guest.call("path_unlink_file", FIRST, path) == error, path
    guest.good("path_unlink_file", FIRST, "link")
    guest.good("path_unlink_file", FIRST, "dir/nested/file")
    assert not (root / "link").is_symlink() and not (root / "dir/nested/file").exists()


def test_hard_links(guest: Guest, root: Path) -> None:
    sub = guest.open("dir", DIRECTORY)
    guest.good("path_link", FIRST, 0, "file", sub, "hard")
    assert (root / "dir/hard").stat().st_ino == (root / "file").stat().st_ino and guest.status("file")["nlink"] == 2
    guest.good("path_link", FIRST, 0, "dangling", FIRST, "soft")
    assert os.readlink(root / "soft") == "nowhere"
    guest.good("path_link", FIRST, 1, "link", FIRST, "followed")
    assert (root / "followed").stat().st_size == 4 and not (root / "followed").is_symlink()
    cases = {
        ("file", "file"): "EXIST",
        ("file", "dir"): "EXIST",
        ("file", "dangling"): "EXIST",
        ("dir", "new"): "PERM",
        ("missing", "new"): "NOENT",
    }
    cases |= {("file", "new/"): "NOENT", ("file", "dir/"): "EXIST", ("file/", "new"): "NOTDIR", ("file", "link/"): "NOTDIR"}
    for (old, new), error in cases.items():
        assert guest.call("path_link", FIRST, 0, old, FIRST, new) == error, (old, new)
    assert guest.call("path_link", FIRST, 1, "dangling", FIRST, "new") == "NOENT"
    assert guest.call("path_link", FIRST, 2, "file", FIRST, "new") == "INVAL"
    assert guest.call("path_link", FIRST, 0, "file", 99, "new") == "BADF"


def test_symbolic_links(guest: Guest, root: Path) -> None:
    guest.good("path_symlink", "dir/nested", FIRST, "new")
    assert os.readlink(root / "new") == "dir/nested"
    cases = {
        "target/": "NOENT",
        "dir/": "EXIST",
        "dir": "EXIST",
        "file/": "NOTDIR",
        "file": "EXIST",
        "missing/x": "NOENT",
        "dangling": "EXIST",
    }
    for path, error in cases.items():
        assert guest.call("path_symlink", "source", FIRST, path) == error, path
    assert guest.call("path_symlink", "", FIRST, "empty") == "NOENT"
    assert guest.call("path_symlink", "x", 99, "y") == "BADF"


def test_reading_links(guest: Guest) -> None:
    guest.data[BUFFER : BUFFER + 20] = b"-" * 20
    guest.good("path_readlink", FIRST, "link", BUFFER, 20, RESULT)
    assert guest.number() == 15 and guest.data[BUFFER : BUFFER + 20] == b"dir/nested/file-----"
    guest.good("path_readlink", FIRST, "link", BUFFER, 4, RESULT)
    assert guest.number() == 4
    for path, error in {"file": "INVAL", "missing": "NOENT", "dir": "INVAL", "dirlink/": "INVAL", "link/": "NOTDIR", "": "NOENT"}.items():
        assert guest.call("path_readlink", FIRST, path, BUFFER, 100, RESULT) == error, path


def test_renaming(guest: Guest, root: Path) -> None:
    sub = guest.open("dir", DIRECTORY)
    guest.good("path_rename", FIRST, "file", sub, "moved")
    guest.good("path_rename", sub, "moved", FIRST, "link")  # replaces the link, not what it leads to
    assert (root / "link").read_bytes() == b"0123456789" and (root / "dir/nested/file").exists()
    guest.good("path_rename", FIRST, "dir/", FIRST, "renamed/")
    guest.good("path_rename", FIRST, "renamed", FIRST, "dir/")
    (root / "empty").mkdir()
    cases = {
        ("missing", "x"): "NOENT",
        ("link", "empty"): "ISDIR",
        ("empty", "link"): "NOTDIR",
        ("empty", "dir"): "NOTEMPTY",
        ("dir", "dir/x"): "INVAL",
    }
    cases |= {("link/", "x"): "NOTDIR", ("link", "x/"): "NOTDIR", (".", "x"): "BUSY", ("link", "missing/x"): "NOENT", ("", "x"): "NOENT"}
    for (old, new), error in cases.items():
        assert guest.call("path_rename", FIRST, old, FIRST, new) == error, (old, new)
    guest.good("path_rename", FIRST, "dir/nested", FIRST, "empty")
    assert (root / "empty/file").exists()


def test_times(guest: Guest, root: Path) -> None:
    guest.good("path_filestat_set_times", FIRST, 1, "link", 11, 12, 1 | 4)
    assert (guest.status("dir/nested/file")["atim"], guest.status("dir/nested/file")["mtim"]) == (11, 12)
    guest.good("path_filestat_set_times", FIRST, 0, "link", 13, 14, 1 | 4)
    assert guest.status("link", follow=0)["mtim"] == 14 and guest.status("link")["mtim"] == 12
    guest.good("path_filestat_set_times", FIRST, 1, "dir/", 0, 5, 2 | 4)
    assert (root / "dir").stat().st_mtime_ns == 5 and (root / "dir").stat().st_atime_ns > 10**18
    for path, flags, error in (
        ("file", 3, "INVAL"),
        ("file", 12, "INVAL"),
        ("missing", 1, "NOENT"),
        ("file/", 1, "NOTDIR"),
        ("dangling", 1, "NOENT"),
    ):
        assert guest.call("path_filestat_set_times", FIRST, 1, path, 0, 0, flags) == error


@pytest.mark.parametrize("name", ["path_create_directory", "path_remove_directory", "path_unlink_file"])
@pytest.mark.parametrize("text", [((1 << 20) - 3, 4), (-1, 2), (0, 4096 + (1 << 20))])
def test_paths_outside_memory(guest: Guest, name: str, text: tuple[int, int]) -> None:
    assert guest.call(name, FIRST, *text) in ("FAULT", "NAMETOOLONG")


def test_results_outside_memory_change_nothing(guest: Guest, root: Path) -> None:
    outside = (1 << 20) - 3
    assert guest.call("path_open", FIRST, 1, "new", CREAT, WRITE, 0, 0, outside) == "FAULT"
    assert not (root / "new").exists()
    assert guest.call("path_filestat_get", FIRST, 1, "file", (1 << 20) - 63) == "FAULT"
    assert (
        guest.call("path_readlink", FIRST, "link", BUFFER, 10, outside)
        == guest.call("path_readlink", FIRST, "link", outside, 10, RESULT)
        == "FAULT"
    )


def test_permissions_of_the_host(guest: Guest, root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root is refused nothing")
    (root / "file").chmod(0)
    (root / "dir").chmod(0)
    assert guest.try_open("file") == guest.try_open("dir/nested") == guest.try_open("dir", DIRECTORY) == "ACCES"
    (root / "dir").chmod(0o700)


def test_names_of_all_languages(guest: Guest, root: Path) -> None:
    guest.open("日本 ü 🙂", CREAT)
    assert (root / "日本 ü 🙂").exists() and "日本 ü 🙂" in [name for name, _, _ in guest.entries(FIRST)]


def test_rights_of_directories(guest: Guest, root: Path) -> None:
    rights = {"path_create_directory": 9, "path_unlink_file": 26, "path_remove_directory": 25}
    for name, bit in rights.items():
        sub = guest.open("dir", DIRECTORY, rights=ALL & ~(1 << bit))
        assert guest.call(name, sub, "nested") == "NOTCAPABLE"
    sub = guest.open("dir", DIRECTORY, rights=ALL & ~(1 << 10))
    assert guest.try_open("new", CREAT, fd=sub) == "NOTCAPABLE"
    for flag, bit in ((2, 0), (8, 4), (16, 4)):  # DSYNC, RSYNC, SYNC
        guest.good("path_open", FIRST, 0, "dir", DIRECTORY, ALL, ALL & ~(1 << bit), 0, RESULT)
        sub = guest.number()
        for oflags in (0, CREAT):
            assert guest.try_open("synced", oflags, flags=flag, fd=sub) == "NOTCAPABLE"
        assert not (root / "dir/synced").exists()
        guest.close(guest.open("file", flags=flag))
    nothing = guest.open("dir", DIRECTORY, rights=0)
    for call in (
        ("path_filestat_get", nothing, 0, "nested", 64),
        ("path_filestat_set_times", nothing, 0, "nested", 0, 0, 1),
        ("path_readlink", nothing, "nested", BUFFER, 1, RESULT),
        ("path_link", nothing, 0, "nested", FIRST, "x"),
        ("path_link", FIRST, 0, "file", nothing, "x"),
        ("path_rename", nothing, "nested", FIRST, "x"),
        ("path_rename", FIRST, "file", nothing, "x"),
        ("path_symlink", "x", nothing, "y"),
        ("fd_readdir", nothing, BUFFER, 100, 0, RESULT),
        ("path_open", nothing, 0, "nested", 0, 0, 0, 0, RESULT),
    ):  # fmt: skip
        assert guest.call(*call) == "NOTCAPABLE", call
