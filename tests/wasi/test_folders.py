"""The same calls on a directory of the host and on one in memory: the same answers, the same files."""

from pathlib import Path

import pytest

from tests.wasi.guest import ALL, BUFFER, CREAT, DIRECTORY, EXCL, FIRST, READ, RECORD, RESULT, TRUNC, WRITE
from tests.wasi.pair import Pair

pytestmark = pytest.mark.usefixtures("resolution")

APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = 1, 2, 4, 8, 16
CONTENTS = {"file": b"0123456789", "dir/nested/file": "deep", "dir": {"other": b""}, "empty": None}
LOOKING = ALL & ~(WRITE | 1 << 8 | 1 << 22)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path / "top", CONTENTS)
    links = {"link": "dir/nested/file", "dirlink": "dir/nested", "dangling": "nowhere", "loop": "loop", "slash": "dir/", "up": "../x"}
    for name, target in links.items():
        pair.good("path_symlink", target, FIRST, name)
    return pair


PATHS = [
    "file", "./file", "file/", "file/.", "file/..", "file/x", "dir", "dir/", "dir/.", "dir/..", "dir//nested///file", "dir/nested/../other",
    "link", "link/", "dirlink", "dirlink/", "dirlink/file", "dirlink/../other", "dangling", "dangling/", "dangling/x", "loop", "loop/x",
    "slash", "slash/other", "up", "up/x", "missing", "missing/", "missing/.", "missing/..", "missing/x", "missing/x/", ".", "./", "..",
    "/", "", "/file", "dir/../../top/file", "x" * 255, "x" * 256, "dir/" + "x" * 256, "file\0", b"\xff", "ü", "empty", "empty/new",
    "empty/new/",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_function_on_a_path(pair: Pair, path: str) -> None:
    for follow in (0, 1):
        pair.status("path_filestat_get", FIRST, follow, path)
        pair.call("path_filestat_set_times", FIRST, follow, path, 5, 6, 5)
        pair.call("path_link", FIRST, follow, path, FIRST, f"new{follow}")
        for oflags in (0, DIRECTORY, EXCL):
            pair.try_make(path, oflags, LOOKING, follow=follow)
        pair.try_make(path, 0, WRITE, follow=follow)
    pair.link(FIRST, path)
    pair.call("path_symlink", "file", FIRST, path)
    pair.call("path_link", FIRST, 0, "file", FIRST, path)
    pair.call("path_create_directory", FIRST, path)
    for follow in (0, 1):
        for oflags in (CREAT | EXCL, CREAT, CREAT | TRUNC, TRUNC, DIRECTORY | CREAT, 16):
            pair.try_make(path, oflags, follow=follow)
    for other in ("file", "dir", "empty", "link", "new", "new/", path):
        pair.call("path_rename", FIRST, path, FIRST, other)
        pair.call("path_rename", FIRST, other, FIRST, path)
    pair.call("path_remove_directory", FIRST, path)
    pair.call("path_unlink_file", FIRST, path)
    pair.names()
    pair.same_tree()


def test_positions(pair: Pair) -> None:
    fd = pair.make("new", CREAT)
    assert pair.put(fd, b"hello") == ("SUCCESS", b"\5\0\0\0")
    for offset, whence in ((-3, 1), (0, 1), (-1, 2), (1 << 40, 0), (5, 1), (-1, 0), (-(1 << 63), 2), (0, 3), (0, -1), (2, 0)):
        pair.result("fd_seek", fd, offset, whence, RESULT, size=8)
    assert pair.get(fd, 100) == b"llo" and pair.get(fd, 100) == b""
    assert pair.get(fd, 3, 1) == b"ell" and pair.get(fd, 3, 1 << 40) == b""
    assert pair.put(fd, b"XY", 3)[0] == "SUCCESS" and pair.result("fd_tell", fd, RESULT, size=8) == ("SUCCESS", b"\5" + bytes(7))
    assert pair.put(fd, b"XY", -1)[0] == pair.get(fd, 3, -1) == "INVAL"
    assert pair.put(fd, b"")[0] == "SUCCESS"
    assert pair.status("fd_filestat_get", fd) == {"type": 4, "nlink": 1, "size": 5}
    pair.same_tree()


def test_holes(pair: Pair) -> None:
    """Far writes, sizes beyond the end and what is cut off read as zeros; the file on the host says what is right."""
    fd = pair.make("new", CREAT)
    pair.put(fd, b"end", 200_000)
    assert pair.get(fd, 10, 199_995) == bytes(5) + b"end"
    pair.put(fd, b"middle" * 20_000, 65_000)
    pair.good("fd_filestat_set_size", fd, 70_000)
    pair.good("fd_filestat_set_size", fd, 300_000)
    assert pair.get(fd, 100, 69_950) == (b"middle" * 9)[:50] + bytes(50)
    pair.good("fd_filestat_set_size", fd, 131_072)
    pair.good("fd_filestat_set_size", fd, 65_536)
    pair.put(fd, b"x", 65_600)
    pair.same_tree()
    pair.good("fd_filestat_set_size", fd, 1 << 40)
    pair.put(fd, b"far", 1 << 39)
    assert pair.get(fd, 10, (1 << 39) - 2) == b"\0\0far" + bytes(5) and pair.get(fd, 10, (1 << 40) - 4) == bytes(4)
    assert pair.memory.used < 1 << 20


def test_sizes_and_room(pair: Pair) -> None:
    fd = pair.make("file", CREAT)
    for call in (
        ("fd_allocate", fd, 2, 10), ("fd_allocate", fd, 0, 1), ("fd_allocate", fd, 0, 0), ("fd_allocate", fd, 1, (1 << 63) - 1),
        ("fd_allocate", fd, -1, 1), ("fd_filestat_set_size", fd, -1), ("fd_advise", fd, 0, 5, 3), ("fd_advise", fd, 0, 0, 6),
        ("fd_advise", fd, -1, 0, 0), ("fd_sync", fd), ("fd_datasync", fd), ("fd_sync", FIRST), ("fd_datasync", FIRST),
    ):  # fmt: skip
        pair.call(*call)
    assert pair.status("fd_filestat_get", fd) == {"type": 4, "nlink": 1, "size": 12}
    pair.same_tree()


def test_appending(pair: Pair) -> None:
    fd, other = pair.make("file", CREAT, fdflags=APPEND), pair.make("file", 0)
    pair.put(fd, b"AB")
    pair.good("fd_seek", fd, 0, 0, RESULT)
    pair.put(fd, b"CD")
    assert pair.result("fd_tell", fd, RESULT, size=8)[1] == b"\x0e" + bytes(7)
    pair.put(fd, b"EF", 0)
    pair.good("fd_fdstat_set_flags", fd, 0)
    pair.put(fd, b"GH", 0)
    assert pair.get(other, 100) == b"GH23456789ABCDEF"
    for flags in (0, APPEND, NONBLOCK, APPEND | NONBLOCK, SYNC, DSYNC, RSYNC, 32, -1):
        pair.call("fd_fdstat_set_flags", fd, flags)
        assert pair.result("fd_fdstat_get", fd, RECORD, at=RECORD, size=24)[0] == "SUCCESS"
    for flags in (SYNC, DSYNC, RSYNC, 32):
        made = pair.try_make("file", 0, fdflags=flags)
        pair.result("fd_fdstat_get", made if isinstance(made, int) else 99, RECORD, at=RECORD, size=24)


@pytest.mark.parametrize("rights", [0, READ, WRITE, READ | WRITE, READ | 1 << 2, 1 << 8, 1 << 22, LOOKING, ALL])
def test_rights(pair: Pair, rights: int) -> None:
    """What a descriptor with some rights can do is the same."""
    for path, oflags in (("file", 0), ("file", TRUNC), ("dir", 0), ("dir", DIRECTORY), ("new", CREAT)):
        fd = pair.try_make(path, oflags, rights)
        if not isinstance(fd, int):
            continue
        pair.result("fd_fdstat_get", fd, RECORD, at=RECORD, size=24)
        pair.put(fd, b"abc")
        pair.put(fd, b"abc", 1)
        pair.get(fd, 4)
        pair.get(fd, 4, 0)
        pair.status("fd_filestat_get", fd)
        for call in (
            ("fd_seek", fd, 0, 0, RESULT), ("fd_tell", fd, RESULT), ("fd_filestat_set_size", fd, 3), ("fd_allocate", fd, 0, 9),
            ("fd_advise", fd, 0, 0, 0), ("fd_sync", fd), ("fd_datasync", fd), ("fd_filestat_set_times", fd, 1, 2, 5),
            ("fd_filestat_set_times", fd, 1, 2, 3), ("fd_fdstat_set_flags", fd, 0), ("fd_prestat_get", fd, RECORD),
            ("fd_fdstat_set_rights", fd, ALL, 0), ("sock_accept", fd, 0, RESULT), ("path_create_directory", fd, "made"),
            ("path_unlink_file", fd, "other"), ("path_symlink", "x", fd, "y"), ("path_rename", fd, "other", fd, "moved"),
        ):  # fmt: skip
            pair.call(*call)
        pair.names(fd)
    pair.same_tree()


def test_removed_while_open(pair: Pair) -> None:
    fd = pair.make("file", 0)
    nested = pair.open("dir/nested", DIRECTORY)
    pair.good("path_unlink_file", FIRST, "file")
    pair.good("path_unlink_file", FIRST, "dir/nested/file")
    pair.good("path_remove_directory", FIRST, "dir/nested")
    pair.put(fd, b"still", 5)
    assert pair.get(fd, 100) == b"01234still" and pair.status("fd_filestat_get", fd) == {"type": 4, "nlink": 0, "size": 10}
    assert pair.status("fd_filestat_get", nested) == {"type": 3, "nlink": 0}
    assert pair.names(nested) == [(".", 3), ("..", 3)]
    for call in (
        ("path_create_directory", nested, "x"), ("path_symlink", "x", nested, "y"), ("path_link", FIRST, 0, "dir/other", nested, "x"),
        ("path_rename", FIRST, "dir/other", nested, "x"), ("path_rename", FIRST, "dir", nested, "x"), ("path_unlink_file", nested, "x"),
        ("path_create_directory", nested, "x" * 300), ("path_remove_directory", nested, "."), ("path_filestat_get", nested, 0, ".", RECORD),
    ):  # fmt: skip
        pair.call(*call)
    assert pair.try_make("x", CREAT, fd=nested) == "NOENT"
    pair.same_tree()


def test_hard_links(pair: Pair) -> None:
    pair.good("path_link", FIRST, 0, "file", FIRST, "dir/hard")
    pair.good("path_link", FIRST, 0, "link", FIRST, "soft")
    assert pair.link(FIRST, "soft") == b"dir/nested/file"
    assert pair.status("path_filestat_get", FIRST, 0, "soft") == {"type": 7, "nlink": 2, "size": 15}
    fd = pair.make("dir/hard", 0)
    pair.put(fd, b"both")
    assert pair.status("path_filestat_get", FIRST, 0, "file") == {"type": 4, "nlink": 2, "size": 10}
    pair.good("path_rename", FIRST, "file", FIRST, "dir/hard")  # names of one file: nothing happens
    pair.good("path_unlink_file", FIRST, "file")
    assert pair.status("fd_filestat_get", fd) == {"type": 4, "nlink": 1, "size": 10}
    for guest in pair.guests:
        assert guest.status("dir/hard")["ino"] == guest.fd_status(fd)["ino"] != guest.status("dir")["ino"]
    pair.same_tree()


def test_renaming_over_each_other(pair: Pair) -> None:
    kinds = {"f": "file", "d": "dir", "e": "empty", "l": "link", "s": "slash"}
    for old in kinds.values():
        for new in (*kinds.values(), "dir/nested", "dir/other", "dir/x", "dir/nested/x/y", "."):
            pair.call("path_rename", FIRST, old, FIRST, new)
            pair.call("path_rename", FIRST, new, FIRST, old)
            pair.names()
    pair.same_tree()


def test_counts_of_links_of_directories(pair: Pair) -> None:
    for call in (
        ("path_create_directory", FIRST, "dir/a"), ("path_rename", FIRST, "dir/a", FIRST, "empty/a"),
        ("path_remove_directory", FIRST, "empty/a"),
        ("path_rename", FIRST, "dir/nested", FIRST, "empty"), ("path_rename", FIRST, "empty", FIRST, "dir/nested"),
    ):  # fmt: skip
        pair.good(*call)
        for path in (".", "dir", "empty", "dir/nested"):
            pair.status("path_filestat_get", FIRST, 0, path)


def test_links_to_links(pair: Pair) -> None:
    previous = "file"
    for number in range(41):
        pair.good("path_symlink", previous, FIRST, f"chain{number}")
        previous = f"chain{number}"
    assert pair.status("path_filestat_get", FIRST, 1, "chain39") == {"type": 4, "nlink": 1, "size": 10}
    assert pair.status("path_filestat_get", FIRST, 1, "chain40") == "LOOP"
    for target in ("", "/", "/x", "x" * 4095, "x" * 4096, "..", "a\0b", b"\xff"):
        pair.call("path_symlink", target, FIRST, "new")
        pair.link(FIRST, "new")
        pair.call("path_unlink_file", FIRST, "new")


def test_times(pair: Pair) -> None:
    fd = pair.make("file", 0)
    for flags in range(17):
        pair.call("path_filestat_set_times", FIRST, 1, "link", 11, 12, flags)
        pair.call("fd_filestat_set_times", fd, 13, 14, flags)
    pair.good("path_filestat_set_times", FIRST, 0, "link", 1000, 2000, 5)
    pair.good("fd_filestat_set_times", FIRST, 3000, 4000, 5)
    pair.good("path_filestat_set_times", FIRST, 1, "file", 5000, 6000, 5)
    for path, times in (("link", (1000, 2000)), (".", (3000, 4000)), ("file", (5000, 6000))):
        for guest in pair.guests:
            status = guest.status(path, follow=0)
            assert (status["atim"], status["mtim"]) == times and status["ctim"] > 10**18
    pair.good("path_create_directory", FIRST, "made")
    pair.put(fd, b"x")
    for guest in pair.guests:
        for path in (".", "file", "made"):
            assert guest.status(path)["mtim"] > 10**18


def test_reading_directories(pair: Pair) -> None:
    for number in range(300):
        pair.good("path_symlink", "file", FIRST, f"dir/name{number:03}")
    fd = pair.open("dir", DIRECTORY)
    whole = pair.names(fd)
    assert len(whole) == 304 and pair.names(fd, 60) == whole and pair.names(fd, 25 + 300) == whole
    for guest in pair.guests:
        inodes = {name: inode for name, inode, _ in guest.entries(fd)}
        assert inodes["."] == guest.status("dir")["ino"] and inodes[".."] == 0
        for top in (FIRST, guest.open("."), guest.open("dir/..")):
            assert {name: inode for name, inode, _ in guest.entries(top)}[".."] == 0
        assert inodes["nested"] == guest.status("dir/nested")["ino"]
    for cookie in (1000, -1):
        assert pair.result("fd_readdir", fd, BUFFER, 100, cookie, RESULT) == ("SUCCESS", bytes(4))
    assert pair.result("fd_readdir", fd, BUFFER, 10, 0, RESULT) == ("SUCCESS", b"\x0a\0\0\0")
    pair.call("fd_readdir", fd, (1 << 20) - 10, 11, 0, RESULT)


def test_removing_while_reading_a_directory(pair: Pair) -> None:
    """`rm -r` reads some entries, removes them, and goes on from there: it sees each once."""
    fd = pair.open("dir", DIRECTORY)
    for number in range(200):
        pair.good("path_symlink", "file", fd, f"name{number:03}")
    for guest in pair.guests:
        seen = []
        cookie = 0
        while True:
            guest.good("fd_readdir", fd, BUFFER, 24 + 7, cookie, RESULT)
            if guest.number() < 24 + 7:
                break
            length = guest.number(BUFFER + 16)
            name = bytes(guest.data[BUFFER + 24 : BUFFER + 24 + min(length, 7)]).decode()
            cookie = guest.number(BUFFER, 8)
            if name.startswith("name"):
                seen.append(name)
                guest.good("path_unlink_file", fd, name)
        assert sorted(seen) == [f"name{number:03}" for number in range(200)]
    assert pair.names(fd) == [(".", 3), ("..", 3), ("nested", 3), ("other", 4)]
