"""The code cache: what it trusts, how it fails, what it keeps. Each bad folder and entry is one test."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT
from wasmjit.native.cache import SUFFIX, Cache, identity, locate, sealed

NAME = f"entry{SUFFIX}"
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to change owners or mounts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def cache(folder: Path) -> Iterator[Cache]:
    with Cache(str(folder)) as opened:
        yield opened


def content(cache: Cache, name: str = NAME) -> bytes | None:
    descriptor = cache.read(name)
    if descriptor < 0:
        return None
    with open(descriptor, "rb") as file:
        return file.read()


def mounted(path: Path, options: str) -> bool:
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(path)], capture_output=True).returncode == 0


# where it is


def test_location(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("WASMJIT_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert locate() == "/home/me/.cache/wasmjit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert locate() == "/home/me/.cache/wasmjit"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert locate() == "/xdg/wasmjit"
    monkeypatch.setenv("WASMJIT_CACHE_DIR", "/own")
    assert locate() == "/own"
    assert locate("/set") == "/set"
    assert locate(False) is None


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "WASMJIT_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user without an account
    assert locate() is None
    with Cache() as cache:
        assert not cache.write(NAME, b"x")
        assert "no home" in cache.reason


def test_switched_off() -> None:
    with Cache(False) as cache:
        assert content(cache) is None
        assert not cache.write(NAME, b"x")
        assert cache.reason == "switched off"


def test_identity(folder: Path, tmp_path: Path) -> None:
    found = folder.stat()
    assert identity(str(folder)) == (found.st_dev, found.st_ino)
    assert identity(str(tmp_path / "missing")) is None
    assert identity(False) is None


# reading and writing


def test_round_trip(cache: Cache, folder: Path) -> None:
    assert cache.write(NAME, b"one") and cache.write(NAME, b"two")
    assert content(cache) == b"two"
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600
    assert os.listdir(folder) == [NAME]


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    with Cache(str(path)) as cache:
        assert content(cache) is None
        assert not path.exists()  # reading makes nothing
        assert cache.write(NAME, b"x")
        assert content(cache) == b"x"
    assert path.stat().st_mode & 0o777 == 0o700


def test_an_open_entry_survives_its_replacement(cache: Cache) -> None:
    cache.write(NAME, b"old")
    descriptor = cache.read(NAME)
    cache.write(NAME, b"a longer new one")
    assert os.pread(descriptor, 100, 0) == b"old"
    os.close(descriptor)


def test_descriptors_are_not_inherited(cache: Cache) -> None:
    cache.write(NAME, b"x")
    descriptor = cache.read(NAME)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


# folders that are not ours


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1777, 0o770, 0o701])
def test_a_folder_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    with Cache(str(folder)) as cache:
        cache.write(NAME, b"x")
    folder.chmod(mode)
    with Cache(str(folder)) as cache:
        assert content(cache) is None
        assert not cache.write(NAME, b"y")
        assert "open to others" in cache.reason
    assert (folder / NAME).read_bytes() == b"x"


@only_root
def test_a_folder_of_somebody_else_is_not_used(folder: Path) -> None:
    os.chown(folder, 12345, 12345)
    with Cache(str(folder)) as cache:
        assert not cache.write(NAME, b"y")
        assert "another user" in cache.reason


def test_a_linked_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    with Cache(str(link)) as cache:
        assert not cache.write(NAME, b"x")
    assert os.listdir(folder) == []


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    with Cache(str(path)) as cache:
        assert not cache.write(NAME, b"x")
        assert cache.reason


# entries that are not ours


@pytest.mark.parametrize("mode", [0o622, 0o602, 0o620, 0o666])
def test_an_entry_others_may_write_is_not_read(cache: Cache, folder: Path, mode: int) -> None:
    cache.write(NAME, b"x")
    (folder / NAME).chmod(mode)
    assert content(cache) is None
    assert cache.write(NAME, b"fresh")
    assert content(cache) == b"fresh"


@only_root
def test_an_entry_of_somebody_else_is_not_read(cache: Cache, folder: Path) -> None:
    cache.write(NAME, b"x")
    os.chown(folder / NAME, 12345, 12345)
    assert content(cache) is None
    assert cache.write(NAME, b"fresh") and content(cache) == b"fresh"


def test_a_link_is_not_followed(cache: Cache, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"elsewhere")
    (folder / NAME).symlink_to(target)
    assert content(cache) is None
    assert cache.write(NAME, b"fresh") and content(cache) == b"fresh"
    assert target.read_bytes() == b"elsewhere"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_an_entry_that_is_no_file(cache: Cache, folder: Path, make: type) -> None:
    make(folder / NAME)
    assert content(cache) is None  # and does not wait for a writer


# file systems that fail


@only_root
def test_a_full_disk(folder: Path) -> None:
    if not mounted(folder, "size=64k,mode=700"):
        pytest.skip("cannot mount")
    try:
        with Cache(str(folder)) as cache:
            assert cache.write(NAME, b"small")
            assert not cache.write(NAME, bytes(1 << 20))
            assert "No space" in cache.reason
            assert content(cache) == b"small"
        assert os.listdir(folder) == [NAME]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_file_size_limit(cache: Cache, folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    cache.write(NAME, b"small")
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        assert not cache.write(NAME, bytes(1 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(cache) == b"small"
    assert os.listdir(folder) == [NAME]


@only_root
def test_a_read_only_file_system(folder: Path) -> None:
    if not mounted(folder, "ro,mode=700"):
        pytest.skip("cannot mount")
    try:
        with Cache(str(folder)) as cache:
            assert not cache.write(NAME, b"x")
            assert "Read-only" in cache.reason
        with Cache(str(folder / "below")) as cache:
            assert not cache.write(NAME, b"x")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_an_interrupted_write_leaves_nothing(cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.write(NAME, b"x")
    assert os.listdir(folder) == []


def test_many_writers_at_once(folder: Path) -> None:
    program = (
        "import sys; from wasmjit.native.cache import Cache\n"
        "with Cache(sys.argv[1]) as cache:\n"
        f"    for i in range(200): assert cache.write({NAME!r}, sys.argv[2].encode() * 10000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(folder), letter], cwd=ROOT) for letter in "ab"]
    with Cache(str(folder)) as cache:
        while any(writer.poll() is None for writer in writers):
            found = content(cache)
            assert found in (None, b"a" * 10000, b"b" * 10000)
        assert [writer.returncode for writer in writers] == [0, 0]
    assert os.listdir(folder) == [NAME]


# what it keeps


def test_entries_are_listed_by_use(cache: Cache, folder: Path) -> None:
    for i, name in enumerate("cab"):
        cache.write(name + SUFFIX, bytes(10 + i))
        os.utime(folder / (name + SUFFIX), (1000 + i, 1000 + i))
    assert [(entry.name[0], entry.nbytes) for entry in cache.entries()] == [("c", 10), ("a", 11), ("b", 12)]
    assert cache.prune(23) == 10
    assert [entry.name[0] for entry in cache.entries()] == ["a", "b"]
    assert cache.prune(23) == 0
    assert cache.clear() == 23
    assert cache.entries() == []


def test_foreign_files_stay(cache: Cache, folder: Path) -> None:
    (folder / "thesis.txt").write_text("ten years")
    cache.write(NAME, b"x")
    cache.clear()
    assert os.listdir(folder) == ["thesis.txt"]


def test_files_of_killed_writers_go(cache: Cache, folder: Path) -> None:
    old, new = folder / f".new-1-0{SUFFIX}", folder / f".new-2-0{SUFFIX}"
    for path in (old, new):
        path.write_bytes(b"partial")
    os.utime(old, (1000, 1000))
    cache.prune()
    assert os.listdir(folder) == [new.name]
    assert cache.entries() == []


def test_a_seal_tells_that_nothing_was_written_since(tmp_path: Path) -> None:
    seal = 123_456_789_123_456_789
    with Cache(str(tmp_path / "cache")) as opened:

        def is_sealed(name: str, seal: int) -> bool:
            descriptor = opened.read(name)
            try:
                return sealed(descriptor, seal)
            finally:
                os.close(descriptor)

        assert opened.write(f"a{SUFFIX}", b"data", seal)
        assert opened.write(f"b{SUFFIX}", b"data")
        assert is_sealed(f"a{SUFFIX}", seal) and not is_sealed(f"a{SUFFIX}", seal + 1)
        assert not is_sealed(f"b{SUFFIX}", seal)
        (tmp_path / "cache" / f"a{SUFFIX}").write_bytes(b"DATA")
        assert not is_sealed(f"a{SUFFIX}", seal)
        os.utime(tmp_path / "cache" / f"b{SUFFIX}", (1, 1))  # a file system that keeps whole seconds seals nothing
        assert not is_sealed(f"b{SUFFIX}", 0)
