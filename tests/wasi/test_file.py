"""Open files and directories: positions, status, times, flags, rights, reading of directories."""

import os
from pathlib import Path

import pytest

from tests.wasi.guest import ALL, BUFFER, CREAT, DIRECTORY, FIRST, READ, RECORD, RESULT, TRUNC, WRITE, Guest
from wasmjit.wasi import Dir, Wasi

APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = 1, 2, 4, 8, 16


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "dir").mkdir()
    return tmp_path


@pytest.fixture
def guest(root: Path) -> Guest:
    return Guest(Wasi(dirs={"/": root}))


def seek(guest: Guest, fd: int, offset: int, whence: int) -> int:
    guest.good("fd_seek", fd, offset, whence, RESULT)
    return guest.number(RESULT, 8)


def test_read_write_seek_tell(guest: Guest, root: Path) -> None:
    fd = guest.open("new", CREAT)
    assert guest.write(fd, b"hello") == 5
    assert seek(guest, fd, -3, 1) == 2
    assert guest.read(fd) == b"llo" and guest.read(fd) == b""
    assert seek(guest, fd, -1, 2) == 4 and seek(guest, fd, 1 << 40, 0) == 1 << 40
    guest.good("fd_tell", fd, RESULT)
    assert guest.number(RESULT, 8) == 1 << 40
    assert guest.call("fd_seek", fd, -1, 0, RESULT) == "INVAL"
    for whence in (3, -1):
        assert guest.call("fd_seek", fd, 0, whence, RESULT) == "INVAL"
    guest.close(fd)
    assert (root / "new").read_bytes() == b"hello"
    assert guest.call("fd_close", fd) == "BADF"


def test_several_buffers(guest: Guest, root: Path) -> None:
    fd = guest.open("file", rights=READ)
    guest.good("fd_read", fd, *guest.iovec((BUFFER, 3), (0, 0), (BUFFER + 10, 100)), RESULT)
    assert guest.number() == 10 and guest.data[BUFFER : BUFFER + 3] == b"012" and guest.data[BUFFER + 10 : BUFFER + 17] == b"3456789"
    out = guest.open("new", CREAT)
    guest.data[BUFFER : BUFFER + 4] = b"abcd"
    guest.good("fd_write", out, *guest.iovec((BUFFER, 2), (BUFFER + 1, 2)), RESULT)  # they overlap
    assert (root / "new").read_bytes() == b"abbc"
    guest.good("fd_write", out, 0, 0, RESULT)
    assert guest.number() == 0


SIZE = 1 << 20


@pytest.mark.parametrize("name", ["fd_read", "fd_write", "fd_pread", "fd_pwrite"])
@pytest.mark.parametrize(
    ("buffers", "error"),
    [
        ([(SIZE, 1)], "FAULT"),
        ([(SIZE - 1, 2)], "FAULT"),
        ([(0xFFFFFFFF, 2)], "FAULT"),
        ([(16, 0xFFFFFFFF)], "FAULT"),
        ([(0, 1), (SIZE - 1, 2)], "FAULT"),
        ([(0, 1)] * 1025, "INVAL"),
        ([(SIZE, 0)], "SUCCESS"),
        ([(0, 1)] * 1024, "SUCCESS"),
    ],
)
def test_buffers_are_checked(guest: Guest, name: str, buffers: list[tuple[int, int]], error: str) -> None:
    fd = guest.open("new", CREAT)
    offset = [0] if name.startswith("fd_p") else []
    assert guest.call(name, fd, *guest.iovec(*buffers), *offset, RESULT) == error


@pytest.mark.parametrize("array", [(SIZE - 7, 1), (-8, 2), (0, -1), (SIZE - 8, 1024)])
def test_the_array_of_buffers_is_checked(guest: Guest, array: tuple[int, int]) -> None:
    fd = guest.open("file")
    assert guest.call("fd_read", fd, *array, RESULT) in ("FAULT", "INVAL")
    assert guest.call("fd_read", fd, 0, 0, SIZE - 3) == "FAULT"


def test_pread_pwrite_leave_the_position(guest: Guest, root: Path) -> None:
    fd = guest.open("file", rights=ALL | WRITE, oflags=CREAT)
    guest.good("fd_pread", fd, *guest.iovec((BUFFER, 4)), 3, RESULT)
    assert guest.data[BUFFER : BUFFER + 4] == b"3456" and guest.number() == 4
    guest.data[BUFFER : BUFFER + 2] = b"xy"
    guest.good("fd_pwrite", fd, *guest.iovec((BUFFER, 2)), 8, RESULT)
    assert guest.read(fd) == b"01234567xy"
    for name in ("fd_pread", "fd_pwrite"):
        assert guest.call(name, fd, *guest.iovec((BUFFER, 2)), -1, RESULT) == "INVAL"
    guest.good("fd_pread", fd, *guest.iovec((BUFFER, 2)), 1000, RESULT)
    assert guest.number() == 0


def test_size_allocate_advise_sync(guest: Guest, root: Path) -> None:
    fd = guest.open("file", CREAT)
    guest.good("fd_filestat_set_size", fd, 4)
    assert guest.fd_status(fd)["size"] == 4
    guest.good("fd_allocate", fd, 2, 10)
    assert (root / "file").stat().st_size == 12
    for advice in range(6):
        guest.good("fd_advise", fd, 0, 0, advice)
    assert guest.call("fd_advise", fd, 0, 0, 6) == guest.call("fd_advise", fd, -1, 0, 0) == "INVAL"
    assert guest.call("fd_allocate", fd, 0, 0) == guest.call("fd_filestat_set_size", fd, -1) == "INVAL"
    assert guest.call("fd_allocate", fd, 1, (1 << 63) - 1) == "FBIG"
    guest.good("fd_sync", fd)
    guest.good("fd_datasync", fd)
    guest.good("fd_sync", FIRST)


def test_status_of_descriptors(guest: Guest, root: Path) -> None:
    fd = guest.open("file")
    host = (root / "file").stat()
    status = guest.fd_status(fd)
    assert status == {
        "dev": host.st_dev,
        "ino": host.st_ino,
        "type": 4,
        "nlink": 1,
        "size": 10,
        "atim": host.st_atime_ns,
        "mtim": host.st_mtime_ns,
        "ctim": host.st_ctime_ns,
    }
    assert guest.fd_status(FIRST)["type"] == 3


def test_times(guest: Guest, root: Path) -> None:
    fd = guest.open("file", CREAT)
    guest.good("fd_filestat_set_times", fd, 1_000_000_001, 2_000_000_002, 1 | 4)
    assert (guest.fd_status(fd)["atim"], guest.fd_status(fd)["mtim"]) == (1_000_000_001, 2_000_000_002)
    guest.good("fd_filestat_set_times", fd, 7, 7, 8)
    assert guest.fd_status(fd)["atim"] == 1_000_000_001 and guest.fd_status(fd)["mtim"] > 10**18
    for flags in (1 | 2, 4 | 8, 16, -1):
        assert guest.call("fd_filestat_set_times", fd, 0, 0, flags) == "INVAL"
    guest.good("fd_filestat_set_times", FIRST, 5, 5, 1)
    assert root.stat().st_atime_ns == 5


def flags_of(guest: Guest, fd: int) -> int:
    guest.good("fd_fdstat_get", fd, RECORD)
    return guest.number(RECORD + 2, 2)


def test_flags(guest: Guest, root: Path) -> None:
    fd = guest.open("file", CREAT, flags=APPEND)
    assert flags_of(guest, fd) == APPEND
    guest.write(fd, b"end")
    assert (root / "file").read_bytes() == b"0123456789end"
    guest.good("fd_fdstat_set_flags", fd, 0)
    seek(guest, fd, 0, 0)
    guest.write(fd, b"X")
    guest.good("fd_fdstat_set_flags", fd, APPEND | NONBLOCK)
    guest.write(fd, b"Y")
    assert (root / "file").read_bytes() == b"X123456789endY" and flags_of(guest, fd) == APPEND | NONBLOCK
    assert guest.call("fd_fdstat_set_flags", fd, SYNC) == "NOTSUP"
    assert guest.call("fd_fdstat_set_flags", fd, 32) == "INVAL"
    assert guest.try_open("file", flags=32) == "INVAL"
    for flags in (SYNC, DSYNC, SYNC | RSYNC):
        assert flags_of(guest, guest.open("file", CREAT, flags=flags)) == flags


def rights_of(guest: Guest, fd: int) -> tuple[int, int]:
    guest.good("fd_fdstat_get", fd, RECORD)
    return guest.number(RECORD + 8, 8), guest.number(RECORD + 16, 8)


def test_rights_of_opened_files(guest: Guest) -> None:
    reading = guest.open("file", rights=READ)
    assert rights_of(guest, reading) == (READ, 0)
    assert guest.call("fd_write", reading, *guest.iovec((BUFFER, 1)), RESULT) == "BADF"
    assert guest.call("fd_seek", reading, 0, 0, RESULT) == "SPIPE"
    for name, arguments in {
        "fd_filestat_get": (RECORD,),
        "fd_sync": (),
        "fd_datasync": (),
        "fd_filestat_set_size": (1,),
        "fd_allocate": (0, 1),
        "fd_advise": (0, 0, 0),
        "fd_filestat_set_times": (0, 0, 2),
        "fd_fdstat_set_flags": (0,),
    }.items():
        assert guest.call(name, reading, *arguments) == "NOTCAPABLE", name
    writing = guest.open("file", rights=WRITE)
    assert guest.call("fd_read", writing, *guest.iovec((BUFFER, 1)), RESULT) == "BADF"


def test_rights_can_only_be_given_up(guest: Guest) -> None:
    base, inheriting = rights_of(guest, FIRST)
    assert not base & (1 << 22) and base & (1 << 19) and inheriting & READ
    fd = guest.open("file", rights=READ | 1 << 2)
    guest.good("fd_fdstat_set_rights", fd, READ, 0)
    assert guest.call("fd_fdstat_set_rights", fd, READ | 1 << 2, 0) == "NOTCAPABLE"
    assert guest.call("fd_fdstat_set_rights", fd, READ, 1) == "NOTCAPABLE"
    assert guest.call("fd_fdstat_set_rights", fd, -1, -1) == "NOTCAPABLE"
    guest.good("fd_fdstat_set_rights", FIRST, base & ~(1 << 19), inheriting & ~WRITE)
    assert guest.try_open("file", TRUNC, rights=0) == "NOTCAPABLE"
    assert guest.try_open("file", rights=WRITE) == "NOTCAPABLE"
    sub = guest.open("dir", DIRECTORY)
    assert not rights_of(guest, sub)[1] & WRITE


def test_directories_are_no_files(guest: Guest) -> None:
    iovec = guest.iovec((BUFFER, 1))
    assert guest.call("fd_read", FIRST, *iovec, RESULT) == guest.call("fd_write", FIRST, *iovec, RESULT) == "ISDIR"
    assert guest.call("fd_pread", FIRST, *iovec, 0, RESULT) == guest.call("fd_pwrite", FIRST, *iovec, 0, RESULT) == "ISDIR"
    assert guest.call("fd_seek", FIRST, 0, 0, RESULT) == guest.call("fd_tell", FIRST, RESULT) == "ISDIR"
    assert guest.call("fd_allocate", FIRST, 0, 1) == guest.call("fd_filestat_set_size", FIRST, 0) == "ISDIR"
    assert guest.call("fd_advise", FIRST, 0, 0, 0) == "BADF"


def test_files_are_no_directories(guest: Guest) -> None:
    fd = guest.open("file")
    assert guest.try_open("x", fd=fd) == "NOTDIR"
    assert guest.call("path_create_directory", fd, "x") == guest.call("fd_readdir", fd, BUFFER, 100, 0, RESULT) == "NOTDIR"
    assert guest.call("path_symlink", "x", fd, "y") == guest.call("path_rename", FIRST, "file", fd, "y") == "NOTDIR"
    assert guest.call("sock_recv", fd, 0, 0, 0, RESULT, RESULT) == guest.call("sock_accept", fd, 0, RESULT) == "NOTSOCK"
    assert guest.call("fd_prestat_get", fd, RECORD) == guest.call("fd_prestat_dir_name", fd, BUFFER, 10) == "BADF"


def test_preopened_names(root: Path) -> None:
    guest = Guest(Wasi(dirs=[Dir(root, "/data"), Dir(root / "dir", "ä")]))
    for fd, name in ((3, b"/data"), (4, "ä".encode())):
        guest.good("fd_prestat_get", fd, RECORD)
        assert (guest.number(RECORD), guest.number(RECORD + 4)) == (0, len(name))
        guest.good("fd_prestat_dir_name", fd, BUFFER, len(name) + 1)
        assert guest.data[BUFFER : BUFFER + len(name)] == name
        assert guest.call("fd_prestat_dir_name", fd, BUFFER, len(name) - 1) == "NAMETOOLONG"
    for fd in (0, 1, 2, 5):
        assert guest.call("fd_prestat_get", fd, RECORD) == "BADF"
    assert guest.call("fd_prestat_get", 3, SIZE - 7) == guest.call("fd_prestat_dir_name", 3, SIZE - 1, 5) == "FAULT"


def test_reading_directories(guest: Guest, root: Path) -> None:
    (root / "link").symlink_to("file")
    os.mkfifo(root / "pipe")
    for size in (24 + 5, 64, 4096):
        found = {name: (inode, kind) for name, inode, kind in guest.entries(FIRST, size)}
        inode = {name: (root / name).lstat().st_ino for name in (".", "file", "dir", "link", "pipe")}
        assert found == {
            ".": (inode["."], 3),
            "..": (0, 3),  # what is above belongs to the host
            "file": (inode["file"], 4),
            "dir": (inode["dir"], 3),
            "link": (inode["link"], 7),
            "pipe": (inode["pipe"], 0),
        }
    assert [name for name, _, _ in guest.entries(guest.open("dir", DIRECTORY))] == [".", ".."]


def test_reading_many_entries_and_again(guest: Guest, root: Path) -> None:
    for number in range(1000):
        (root / "dir" / f"file.{number}").touch()
    fd = guest.open("dir", DIRECTORY)
    names = [name for name, _, _ in guest.entries(fd, 256)]
    assert names == [".", "..", *sorted(f"file.{number}" for number in range(1000))]
    (root / "dir" / "more").touch()
    assert "more" in [name for name, _, _ in guest.entries(fd)]
    guest.good("fd_readdir", fd, BUFFER, 100, 5000, RESULT)
    assert guest.number() == 0
    guest.good("fd_readdir", fd, BUFFER, 100, -1, RESULT)
    assert guest.number() == 0
    guest.good("fd_readdir", fd, BUFFER, 0, 0, RESULT)
    assert guest.number() == 0
    guest.good("fd_readdir", fd, BUFFER, 10, 0, RESULT)
    assert guest.number() == 10  # a cut record
    assert guest.call("fd_readdir", fd, SIZE - 10, 11, 0, RESULT) == "FAULT"


def test_renumber(guest: Guest) -> None:
    first, second = guest.open("file"), guest.open("dir", DIRECTORY)
    guest.good("fd_renumber", first, second)
    assert guest.call("fd_close", first) == "BADF" and guest.fd_status(second)["type"] == 4
    assert guest.call("fd_renumber", second, first) == guest.call("fd_renumber", first, second) == "BADF"
    assert guest.call("fd_renumber", second, -1) == "BADF"
    guest.good("fd_renumber", second, second)
    guest.good("fd_renumber", 1, second)
    assert guest.call("fd_write", 1, 0, 0, RESULT) == "BADF"
    assert guest.open("file") == 1  # the lowest free number


def test_numbers_are_reused_from_below(guest: Guest) -> None:
    numbers = [guest.open("file") for _ in range(4)]
    assert numbers == [4, 5, 6, 7]
    guest.close(6)
    guest.close(4)
    assert [guest.open("file"), guest.open("file"), guest.open("file")] == [4, 6, 8]


def test_nothing_stays_open(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        guest = Guest(Wasi(dirs={"/": root}, stdin=root / "file"), size=1 << 17)
        guest.open("dir", DIRECTORY)
        guest.open("dir/../file")
        guest.try_open("dir/missing/file")
        guest.call("path_open", FIRST, 0, "file", 0, ALL & ~WRITE, 0, 0, (1 << 17) - 3)
    del guest
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_host_runs_out_of_descriptors(guest: Guest) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 3, hard))
    try:
        errors = [guest.try_open("file") for _ in range(8)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert errors[-1] == "MFILE"
