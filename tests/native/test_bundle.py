"""The bytecode bundle: what it serves, when it is written and refused, and that runs without it are the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import EXAMPLES, ROOT
from wasmjit.native.bundle import Bundle

COMMAND = [sys.executable, str(ROOT / "bin" / "wasmjit")]
HELLO = str(EXAMPLES / "hello.wasm")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(0o700)
    return folder


def hello(cache: Path, *options: str) -> str:
    """What a run of the command prints; `options` are Python's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WASMJIT_CACHE_DIR": str(cache)}
    command = [COMMAND[0], *options, COMMAND[1], HELLO]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def entry(cache: Path) -> Path:
    (path,) = cache.glob("bytecode-*")
    return path


def loaded(cache: Path) -> dict[str, str]:
    """Module of ours -> the kind of its loader, at the end of a run."""
    program = f"""
import sys
from wasmjit.native.bundle import Bundle
Bundle({str(cache)!r}).install()
from wasmjit.cli import main
main([{HELLO!r}])
for name, module in sys.modules.items():
    if name.startswith("wasmjit."):
        print(name, type(module.__loader__).__name__, module.__spec__.origin == module.__file__, file=sys.stderr)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WASMJIT_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    assert all(row[2] == "True" for row in rows)
    return {row[0]: row[1] for row in rows}


def test_the_second_run_finds_its_modules_there(cache: Path) -> None:
    hello(cache)  # builds the image: what that loads is not kept
    assert not list(cache.glob("bytecode-*"))
    hello(cache)
    kinds = loaded(cache)
    assert kinds["wasmjit._module"] == kinds["wasmjit.wasi"] == kinds["wasmjit.cli._program"] == "Bundle"
    assert kinds["wasmjit.native.cache"] == "SourceFileLoader"  # the bundle itself needs it

    written = entry(cache)
    before = written.read_bytes(), written.stat().st_mtime_ns
    hello(cache)
    assert (written.read_bytes(), written.stat().st_mtime_ns) == before  # nothing new, nothing written

    hello(cache, "-O")  # other bytecode
    assert len(list(cache.glob("bytecode-*"))) == 2

    data = bytearray(written.read_bytes())
    data[len(data) // 2] ^= 0xFF
    written.write_bytes(data)
    assert "Bundle" not in loaded(cache).values()
    hello(cache)
    assert "Bundle" in loaded(cache).values()


def test_other_modules_are_left_to_others(cache: Path) -> None:
    bundle = Bundle(str(cache))
    assert bundle.find_spec("wasmjit.native.elf") is None and bundle.find_spec("os") is None


@pytest.mark.parametrize("change", ["touch", "remove"])
def test_a_changed_file_makes_it_stale(cache: Path, change: str, tmp_path: Path) -> None:
    package = tmp_path / "wasmjit"
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from wasmjit.native.bundle import Bundle
bundle = Bundle({str(cache)!r})
bundle.install()
import wasmjit.one
print(wasmjit.one.VALUE, type(wasmjit.one.__loader__).__name__)
bundle.keep()
"""

    def run() -> str:
        command = [sys.executable, "-S", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    (package / "native").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    for name in ("native/bundle.py", "native/cache.py"):
        (package / name).write_bytes((ROOT / "wasmjit" / name).read_bytes())
    for name in ("__init__.py", "native/__init__.py"):
        (package / name).touch()
    one = package / "one.py"
    one.write_text("VALUE = 1\n")
    assert [run(), run()] == ["1 SourceFileLoader", "1 Bundle"]
    if change == "touch":
        one.write_text("VALUE = 22\n")
        assert [run(), run()] == ["22 SourceFileLoader", "22 Bundle"]
    else:
        one.unlink()
        assert "No module named 'wasmjit.one'" in run()


def test_an_unusable_cache_changes_nothing(tmp_path: Path) -> None:
    bundle = Bundle(str(tmp_path / "file" / "cache"))
    (tmp_path / "file").touch()
    assert bundle.find_spec("wasmjit._module") is None
    bundle.keep()
