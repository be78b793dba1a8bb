"""The image for Linux on AArch64, compiled on whatever runs the tests."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

# in the order in which handlers pass pc, sp, mem, ec, csp, r0 and budget: what runtime.platform.aarch64_linux relies on
REGISTERS = ["x20", "x21", "x22", "x23", "x24", "x25", "x26"]


def compiled(level: int, target: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.native.cross", str(level), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["machine"] == "aarch64" and result["size"] > 100_000
    return result


def test_all_of_the_image(tmp_path: Path) -> None:
    target = tmp_path / "image.s"
    result = compiled(0, target)
    assert {"host_call", "gil_ensure", "safepoint"} <= set(result["symbols"])
    text = target.read_text()
    assembler = text[text.index("\nenter:") :]
    labels = set(re.findall(r"^([\w.$]+):", text, re.MULTILINE))
    used = set(re.findall(r"^\s+(?:bl?(?:\.\w+)?|cbn?z \w+,|adrp \w+,)\s+([\w.$]+)$", assembler, re.MULTILINE))
    assert used and used <= labels, used - labels
    assert {"enter", "rt_throw"} <= labels and {"enter", "rt_throw"} <= set(result["imports"])
    if importlib.util.find_spec("ziglang") is not None:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu"]
        done = subprocess.run([*command, "-c", str(target), "-o", str(tmp_path / "image.o")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_optimized(tmp_path: Path) -> None:
    compiled(2, tmp_path / "assembler.s")


def test_registers_of_the_convention() -> None:
    """LLVM passes a handler's integers where the assembler puts them."""
    from llvmlite import binding as llvm

    from wasmjit.native.emit import target_machine
    from wasmjit.native.target import Target

    parameters = ", ".join(f"i64 %a{i}" for i in range(len(REGISTERS)))
    stores = "\n".join(f"store volatile i64 %a{i}, ptr @place" for i in range(len(REGISTERS)))
    module = llvm.parse_assembly(f"@place = hidden global i64 0\ndefine preserve_nonecc void @f({parameters}) {{\n{stores}\nret void\n}}")
    machine = target_machine(Target("aarch64-unknown-linux-gnu", "generic"), level=2)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    assert re.findall(r"^\s+str\s+(x\d+),", machine.emit_assembly(module), re.MULTILINE) == REGISTERS
