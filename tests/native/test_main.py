"""`python -m wasmjit.native`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.native import sample
from tests.paths import ROOT
from wasmjit import _image
from wasmjit.native import imagefile
from wasmjit.native.__main__ import BASELINES, main
from wasmjit.native.build import build_image
from wasmjit.native.cache import Cache
from wasmjit.native.sources import snapshot
from wasmjit.native.target import Target


@pytest.fixture(autouse=True)
def small_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def build(target: Target | None = None) -> bytes:
        return build_image([], [sample.IR], target=target, sources=snapshot(["_image.py"]))

    monkeypatch.setattr(_image, "build", build)
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(tmp_path / "cache"))


def test_build_then_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 1
    assert main(["--build"]) == 0
    assert main(["--check"]) == 0
    assert "good" in capsys.readouterr().out
    with Cache() as cache:
        (entry,) = cache.entries()
        assert cache.write(entry.name, b"damage")
    assert main(["--check"]) == 1
    assert "too short" in capsys.readouterr().out


def test_a_cache_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    assert main(["--build"]) == 1
    assert "chmod 700" in capsys.readouterr().err


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the baselines are x86-64")
def test_baselines(tmp_path: Path) -> None:
    assert main(["--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.img")) == [f"native-{level}.img" for level in sorted(BASELINES)]
    assert imagefile.load_bytes((tmp_path / "native-x86_64-v2.img").read_bytes()).count() == 41


def test_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "wasmjit.native", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "--build" in done.stdout
