"""Every pointer that a function of WASI takes: at the last place of memory where its target fits, and beyond, where nothing may happen."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wasi.guest import BUFFER, DIRECTORY, FIRST, FOLLOW, READ, WRITE, Guest
from wasmjit.wasi import Wasi
from wasmjit.wasi.table import PREVIEW1

SIZE = 1 << 20
SOCKET, LISTENING, FILE, FOLDER = range(FIRST + 1, FIRST + 5)
OTHER = 1 << 19  # where results go that are not looked at


class Out(NamedTuple):
    """A pointer to so many bytes that the function writes."""

    nbytes: int


class In(NamedTuple):
    """A pointer to bytes that the function reads."""

    data: bytes


def iovec(at: int, size: int) -> In:
    return In(at.to_bytes(4, "little") + size.to_bytes(4, "little"))


def text(name: str) -> tuple[In, int]:
    return In(name.encode()), len(name)


TIMER = In(bytes(24) + (1).to_bytes(8, "little") + bytes(16))  # a clock subscription of 1 ns

CASES: dict[str, tuple[Out | In | int, ...]] = {
    "args_get": (Out(4), Out(8)),
    "args_sizes_get": (Out(4), Out(4)),
    "clock_res_get": (1, Out(8)),
    "clock_time_get": (1, 0, Out(8)),
    "environ_get": (Out(4), Out(11)),
    "environ_sizes_get": (Out(4), Out(4)),
    "fd_fdstat_get": (FILE, Out(24)),
    "fd_filestat_get": (FILE, Out(64)),
    "fd_pread": (FILE, iovec(BUFFER, 4), 1, 0, Out(4)),
    "fd_prestat_dir_name": (FIRST, Out(1), 1),
    "fd_prestat_get": (FIRST, Out(8)),
    "fd_pwrite": (FILE, iovec(BUFFER, 4), 1, 0, Out(4)),
    "fd_read": (FILE, iovec(BUFFER, 4), 1, Out(4)),
    "fd_readdir": (FOLDER, Out(100), 100, 0, Out(4)),
    "fd_seek": (FILE, 0, 0, Out(8)),
    "fd_tell": (FILE, Out(8)),
    "fd_write": (FILE, iovec(BUFFER, 4), 1, Out(4)),
    "path_create_directory": (FIRST, *text("new")),
    "path_filestat_get": (FIRST, FOLLOW, *text("file"), Out(64)),
    "path_filestat_set_times": (FIRST, FOLLOW, *text("file"), 1, 1, 5),
    "path_link": (FIRST, 0, *text("file"), FIRST, *text("new")),
    "path_open": (FIRST, FOLLOW, *text("file"), 0, READ, 0, 0, Out(4)),
    "path_readlink": (FIRST, *text("link"), Out(4), 4, Out(4)),
    "path_remove_directory": (FIRST, *text("empty")),
    "path_rename": (FIRST, *text("file"), FIRST, *text("new")),
    "path_symlink": (*text("file"), FIRST, *text("new")),
    "path_unlink_file": (FIRST, *text("file")),
    "poll_oneoff": (TIMER, Out(32), 1, Out(4)),
    "random_get": (Out(64), 64),
    "sock_accept": (LISTENING, 0, Out(4)),
    "sock_recv": (SOCKET, iovec(BUFFER, 4), 1, 0, Out(4), Out(2)),
    "sock_send": (SOCKET, iovec(BUFFER, 4), 1, 0, Out(4)),
}
WITHOUT = {
    "fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_set_size",
    "fd_filestat_set_times", "fd_renumber", "fd_sync", "proc_exit", "proc_raise", "sched_yield", "sock_shutdown",
}  # fmt: skip
POINTERS = [(name, place) for name, row in CASES.items() for place, item in enumerate(row) if not isinstance(item, int)]


class World(NamedTuple):
    """A guest, its folder, and the sockets behind its own."""

    guest: Guest
    root: Path
    peers: tuple[socket.socket, socket.socket]

    def listing(self) -> list[tuple[str, bytes, int]]:
        """What is in the folder."""
        found = []
        for path in sorted(self.root.rglob("*")):
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found.append((str(path), content, path.lstat().st_mtime_ns))
        return found

    def arguments(self, name: str, place: int, address: int) -> list[int]:
        """Those of the case, with this address for the pointer at `place`, if there is one; the others are all far from each other."""
        numbers = []
        for number, item in enumerate(CASES[name]):
            if isinstance(item, int):
                numbers.append(item)
                continue
            at = address if number == place else OTHER + 4096 * number
            if isinstance(item, In):
                start = at & 0xFFFFFFFF
                self.guest.data[start : start + len(item.data)] = item.data[: max(0, SIZE - start)]
            numbers.append(at)
        return numbers


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("file")
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as client:
        ours.send(b"data")
        guest = Guest(Wasi(["program"], {"NAME": "value"}, dirs={"/": tmp_path}, sockets=[theirs, listening]), SIZE)
        assert guest.open("file", rights=READ | WRITE | 1 << 2 | 1 << 5 | 1 << 21) == FILE
        assert guest.open("empty", DIRECTORY) == FOLDER
        yield World(guest, tmp_path, (ours, client))


def test_every_function_is_here() -> None:
    assert CASES.keys() | WITHOUT == PREVIEW1.keys() and not CASES.keys() & WITHOUT
    for name, row in CASES.items():
        assert len(row) == len(PREVIEW1[name][1]), name


@pytest.mark.parametrize(("name", "place"), POINTERS)
def test_the_last_place(name: str, place: int, world: World) -> None:
    item = CASES[name][place]
    assert not isinstance(item, int)
    nbytes = item.nbytes if isinstance(item, Out) else len(item.data)
    world.guest.good(name, *world.arguments(name, place, SIZE - nbytes))


@pytest.mark.parametrize("beyond", ["by a byte", "behind it", "half of all", "the last byte of all"])
@pytest.mark.parametrize(("name", "place"), POINTERS)
def test_beyond(name: str, place: int, beyond: str, world: World) -> None:
    item = CASES[name][place]
    assert not isinstance(item, int)
    nbytes = item.nbytes if isinstance(item, Out) else len(item.data)
    address = {"by a byte": SIZE - nbytes + 1, "behind it": SIZE, "half of all": -(1 << 31), "the last byte of all": -1}[beyond]
    arguments = world.arguments(name, place, address)
    before = bytes(world.guest.data), world.listing()
    assert world.guest.call(name, *arguments) == "FAULT"
    assert (bytes(world.guest.data), world.listing()) == before
    if name in ("sock_recv", "sock_accept"):
        world.guest.good(name, *world.arguments(name, -1, 0))  # nothing was taken
    if name == "sock_send":
        world.peers[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            world.peers[0].recv(1)
