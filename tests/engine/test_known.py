"""Hashes of files: known again without reading them, unless they may have changed."""

import os
import time
from pathlib import Path

import pytest

from tests.engine.conftest import Run
from wasmjit.tiers import known

HASH = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "cache").mkdir(mode=0o700)
    return str(tmp_path / "cache")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as unchanged for long."""
    monkeypatch.setattr(known, "SETTLED", -1)
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o644)
    return path


def test_a_file_is_known_again(folder: str, file: Path) -> None:
    assert known.recall(folder, file.stat()) == b""
    known.note(folder, file.stat(), HASH)
    assert known.recall(folder, file.stat()) == HASH
    (entry,) = Path(folder).iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_written_or_touched_is_not(folder: str, file: Path) -> None:
    before = file.stat()
    known.note(folder, before, HASH)
    time.sleep(0.05)  # several ticks of the file system's clock
    file.write_bytes(b"CONTENT")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert known.recall(folder, file.stat()) == b""


def test_a_file_that_takes_its_place_is_not(folder: str, file: Path) -> None:
    known.note(folder, file.stat(), HASH)
    other = file.with_name("other")
    other.write_bytes(b"content")
    other.rename(file)
    assert known.recall(folder, file.stat()) == b""


def test_a_file_that_changed_just_now_is_neither_kept_nor_known(folder: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known.note(folder, file.stat(), HASH)
    monkeypatch.setattr(known, "SETTLED", 60 * 10**9)
    assert known.recall(folder, file.stat()) == b""
    (entry,) = Path(folder).iterdir()
    entry.unlink()
    known.note(folder, file.stat(), HASH)
    assert list(Path(folder).iterdir()) == []


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_to_is_not(folder: str, file: Path, mode: int) -> None:
    file.chmod(mode)
    known.note(folder, file.stat(), HASH)
    assert list(Path(folder).iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to change owners")
def test_a_file_of_another_user_is_not(folder: str, file: Path) -> None:
    os.chown(file, 1, 1)
    known.note(folder, file.stat(), HASH)
    assert list(Path(folder).iterdir()) == []


def test_a_file_of_another_file_system_is_not(folder: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known.note(folder, file.stat(), HASH)
    monkeypatch.setattr(known, "identity", lambda setting: (file.stat().st_dev + 1, 1))
    assert known.recall(folder, file.stat()) == b""


def test_a_device_is_not(folder: str) -> None:
    assert not known.trusted(folder, os.stat(os.devnull))


def test_damage_is_noticed(folder: str, file: Path) -> None:
    known.note(folder, file.stat(), HASH)
    (entry,) = Path(folder).iterdir()
    data = entry.read_bytes()
    for at in range(len(data)):
        entry.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        assert known.recall(folder, file.stat()) == b"", at
        entry.write_bytes(data[:at])
        assert known.recall(folder, file.stat()) == b"", at
    entry.write_bytes(data)
    assert known.recall(folder, file.stat()) == HASH
    entry.chmod(0o620)
    assert known.recall(folder, file.stat()) == b""


LARGE = """
from wasmjit.tiers import known, policy
known.SETTLED = -1
hashed = []
import hashlib
sha256 = hashlib.sha256
hashlib.sha256 = lambda: hashed.append(1) or sha256()
exports = wasmjit.Instance(wasmjit.Module.from_file(sys.argv[2], config=wasmjit.Config(cache=sys.argv[1]))).exports
"""


def test_a_second_run_of_a_large_file_is_hot_at_once(run: Run, binary: bytes, tmp_path: Path) -> None:
    path = tmp_path / "large.wasm"
    size = 200_000
    path.write_bytes(binary + b"\0" + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + b"\1x" + bytes(size - 2))
    path.chmod(0o644)
    first = LARGE + (
        "print(heat(exports.fib), exports.fib(15))\nfrom wasmjit import _tiering\n"
        "while _tiering.engine()._busy: time.sleep(0.001)\nprint(len(hashed))"
    )
    second = LARGE + "print(exports.fib.tier, exports.fib(15), len(hashed))"
    done = run(first, str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "opt 610\n1\n", "")
    done = run(second, str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "opt 610 0\n", "")
    os.utime(path)
    done = run(second + "\nwhile not hashed: time.sleep(0.001)\nprint(len(hashed) == 1)", str(path))
    assert (done.returncode, done.stdout[-5:], done.stderr) == (0, "True\n", "")
