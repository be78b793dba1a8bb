"""Random calls on a directory of the host and on one in memory, and with and without openat2: the same answers, the same files."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.wasi.guest import ALL, BUFFER, DIRECTORY, FIRST, READ, RECORD, WRITE, Guest
from tests.wasi.pair import Pair

pytestmark = pytest.mark.usefixtures("resolution")

NAMES = (
    "a", "b", "c", "d", "l", "a/a", "a/b", "b/a", "c/l", "d/d", "a/..", "d/../b", "a/", "b/", "l/", "l/a", ".", "./a", "..", "../x", "/a",
    "", "x" * 256, "a/b/c", "a/./b", "d/.", "a/b/..", "l/..",
)  # fmt: skip
TARGETS = ("a", "b", "a/b", "../b", "../a/b", "l", "c/l", ".", "..", "d/", "", "/a", "a/../b", "x" * 300)
LOOKING = ALL & ~(WRITE | 1 << 8 | 1 << 22)
OPEN_MOST = 12
FAR = 1 << 36


class Walk:
    """Calls chosen at random, on the descriptors that earlier ones opened."""

    def __init__(self, pair: Pair, seed: int) -> None:
        self.pair = pair
        self.random = random.Random(seed)
        self.open = [FIRST]

    def fd(self) -> int:
        return self.random.choice(self.open)

    def name(self) -> str:
        return self.random.choice(NAMES)

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def step(self) -> None:
        pair, pick = self.pair, self.pick
        kind = self.random.randrange(20)
        if kind < 5:
            rights = pick(ALL, ALL, LOOKING, LOOKING, READ, WRITE, 0)
            made = pair.try_make(self.name(), pick(0, 0, 1, 1, 1, 2, 4, 5, 8, 9, 13), rights, pick(0, 0, 0, 1, 4), self.fd(), pick(0, 1))
            if isinstance(made, int):
                self.open.append(made)
            if len(self.open) > OPEN_MOST:
                self.close(1)
        elif kind < 13:
            fd, name, follow, size = self.fd(), self.name(), pick(0, 1), pick(0, 1, 65536, 65537, FAR, -1)
            pair.call(*pick(
                ("path_create_directory", fd, name),
                ("path_remove_directory", fd, name),
                ("path_unlink_file", fd, name),
                ("path_rename", fd, name, self.fd(), self.name()),
                ("path_link", fd, follow, name, self.fd(), self.name()),
                ("path_symlink", pick(*TARGETS), fd, name),
                ("path_filestat_set_times", fd, follow, name, 5, 6, pick(*range(17))),
                ("fd_filestat_set_times", fd, 7, 8, pick(*range(17))),
                ("fd_filestat_set_size", fd, size),
                ("fd_allocate", fd, pick(0, 10, 65535), pick(0, 1, 70000)),
                ("fd_advise", fd, 0, 0, pick(*range(8))),
                ("fd_fdstat_set_flags", fd, pick(0, 1, 2, 4)),
                ("fd_sync", fd),
            ))  # fmt: skip
        elif kind == 13:
            pair.put(
                self.fd(),
                bytes(self.random.choices(range(256), k=pick(0, 1, 5, 100))) * pick(1, 700),
                *pick((), (3,), (65530,), (FAR,), (-1,)),
            )
        elif kind == 14:
            pair.get(self.fd(), pick(0, 1, 50, 100_000), *pick((), (3,), (65530,), (FAR,)))
        elif kind == 15:
            pair.result("fd_seek", self.fd(), pick(0, 5, -5, 1 << 20, -(1 << 63)), pick(0, 1, 2, 3), RECORD, at=RECORD, size=8)
        elif kind == 16:
            pair.names(self.fd())
        elif kind == 17:
            pair.link(self.fd(), self.name())
        elif kind == 18:
            pair.status("path_filestat_get", self.fd(), pick(0, 1), self.name())
            pair.status("fd_filestat_get", self.fd())
        elif len(self.open) > 1:
            self.close(self.random.randrange(1, len(self.open)))

    def close(self, at: int) -> None:
        self.pair.good("fd_close", self.open.pop(at))


def walk(folder: Path, seed: int, steps: int) -> None:
    pair = Pair(folder)
    way = Walk(pair, seed)
    for _ in range(steps):
        way.step()
    pair.same_tree()
    while len(way.open) > 1:
        way.close(1)
    assert pair.call("fd_readdir", FIRST, BUFFER, 4096, 0, RECORD) == "SUCCESS"
    for guest in pair.guests:
        remove(guest, FIRST)
    assert pair.memory.used == 0 and len(pair.memory) == 0  # nothing of what is gone counts


def remove(guest: Guest, fd: int) -> None:
    """Everything in a directory."""
    for name, _, kind in guest.entries(fd):
        if name in (".", ".."):
            continue
        if kind != 3:
            guest.good("path_unlink_file", fd, name)
            continue
        inner = guest.open(name, DIRECTORY, fd=fd)
        remove(guest, inner)
        guest.close(inner)
        guest.good("path_remove_directory", fd, name)


@pytest.mark.parametrize("seed", range(30))
def test_random_calls(tmp_path: Path, seed: int) -> None:
    walk(tmp_path / "top", seed, 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_many_random_calls(tmp_path: Path, seed: int) -> None:
    for number in range(2):
        walk(tmp_path / str(number), seed * 100 + number, 600)
