"""llvmlite is imported without what a compiler never uses, and whole where that does not do."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

pytest.importorskip("llvmlite")

IR = "define i32 @f() {\\n  ret i32 1\\n}"


def run(program: str) -> list[str]:
    """The lines that a program prints in a process of its own, without site-packages' .pth files, which import much."""
    paths = [str(ROOT), *sys.path]
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:] = {paths!r}\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_what_is_left_out() -> None:
    assert run(
        f"""
from wasmjit.tiers.lean import import_llvmlite
import_llvmlite()
print([name for name in ("importlib.resources", "llvmlite.ir", "tempfile", "shutil", "llvmlite.binding") if name in sys.modules])
import llvmlite.binding
print(len(list(llvmlite.binding.parse_assembly("{IR}").functions)))
"""
    ) == ["['llvmlite.binding']", "1"]


def test_others_get_the_real_modules_afterwards() -> None:
    assert run(
        """
from wasmjit.tiers.lean import import_llvmlite
import_llvmlite()
import importlib.resources
from llvmlite import ir
print(importlib.resources.files("wasmjit").joinpath("py.typed").is_file(), ir.IntType(32))
"""
    ) == ["True i32"]


@pytest.mark.parametrize("place", ["_Resources.files = None", "_Resources.as_file = lambda path: 1 / 0", "_Names.__getattr__ = None"])
def test_a_version_that_needs_more_is_imported_whole(place: str) -> None:
    assert run(
        f"""
from wasmjit.tiers import lean
lean.{place}
lean.import_llvmlite()
print("llvmlite" in sys.modules, "llvmlite.ir" in sys.modules, "importlib.resources" in sys.modules)
from wasmjit.tiers.optimizer import target
print(len(list(target.llvm.parse_assembly("{IR}").functions)), sys.modules["llvmlite.ir"].IntType(8))
"""
    ) == ["False False False", "1 i8"]


def test_what_is_imported_stays() -> None:
    assert run(
        """
import llvmlite.binding
before = dict(sys.modules)
from wasmjit.tiers.lean import import_llvmlite
import_llvmlite()
print(all(sys.modules[name] is module for name, module in before.items()))
"""
    ) == ["True"]
