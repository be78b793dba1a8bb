"""Committed files that are not source: where they come from is nobody's business, and they must still be what they claim."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import EXAMPLES, ROOT

SUFFIXES = {".wasm", ".wat", ".json", ".png", ".svg", ".gif", ".jpg", ".html", ".wast"}
FOLDERS = {".ci", "bench", "bin", "docs", "examples", "profiler", "tests", "tiers", "wasmjit"}
FILES = {".gitignore", "LICENSE", "NOTICE", "README.md", "pyproject.toml"}
ABSOLUTE = re.compile(rb"(?<![\w.:/-])/(?:home|root|work|tmp|Users|mnt|var|opt|builds?|github|runner)/[\w.-]+|[A-Z]:\\\\?Users", re.ASCII)


def tracked() -> list[str] | None:
    """Names of the files under version control, from the top; None without git."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        return None
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    return [name.decode() for name in names if name]


def artifacts() -> list[Path]:
    """Binary and data files under version control; without git, those of the folders that hold any."""
    names = tracked()
    if names is not None:
        files = [ROOT / name for name in names]
    else:
        files = [path for folder in ("examples", "docs", "tests", "bench") for path in (ROOT / folder).rglob("*")]
    return sorted(path for path in files if path.suffix in SUFFIXES and path.is_file())


@pytest.mark.parametrize("path", artifacts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_trace_of_the_machine_that_made_it(path: Path) -> None:
    data = path.read_bytes()
    assert ABSOLUTE.findall(data) == []
    host = socket.gethostname().encode()
    if len(host) > 4:  # a shorter name is found in anything
        assert host not in data


def test_nothing_is_left_lying_at_the_top() -> None:
    """A trace that somebody wrote while he tried something was committed there."""
    names = tracked()
    if names is None:
        pytest.skip("no git here: what is under version control is not known")
    assert {name.partition("/")[0] for name in names} == FOLDERS | FILES


def test_there_are_artifacts() -> None:
    assert EXAMPLES / "hello.wasm" in artifacts()


@pytest.mark.parametrize("path", sorted((EXAMPLES).glob("*.wasm")), ids=lambda path: path.name)
def test_examples_stand_beside_their_source_and_its_build_command(path: Path) -> None:
    sources = [path.with_suffix(suffix) for suffix in (".wat", ".c") if path.with_suffix(suffix).exists()]
    assert sources, f"no source of {path.name}"
    assert f"-o {path.name}" in sources[0].read_text(), "its build command"


def test_hello_is_what_its_text_says() -> None:
    wasm_tools = shutil.which("wasm-tools", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    if wasm_tools is None:
        pytest.skip("needs wasm-tools")
    built = subprocess.run([wasm_tools, "parse", EXAMPLES / "hello.wat"], capture_output=True, check=True).stdout
    assert built == (EXAMPLES / "hello.wasm").read_bytes()
