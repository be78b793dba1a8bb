"""Programs that Emscripten built without -sSTANDALONE_WASM, from the sources here by build.sh, without their JavaScript."""

import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest

import wasmjit
from tests import modes
from tests.paths import ROOT

HERE = Path(__file__).parent
MODES = modes.parameters([mode for mode in modes.SETTINGS if mode != "reference"], quick=(modes.BASE, "auto", "opt"))

UNWOUND = "inner 7\nouter 5\nsum 46950\n"
CAUGHT = """leave f
int 42
leave f
exception message
leave f
base 4
leave f
other
leave f
f 4
leave f
again
outer message
sum 6766
leave f
"""
STARTED = """constructed
argument one
argument two
NAME is value
2000-02-29 12:00 +0000 day 060, is past
clock 0
20 MiB yes, 200 MiB no
no newline at the end"""


@pytest.mark.parametrize("mode", MODES)
def test_longjmp_leaves_to_its_setjmp(mode: str) -> None:
    done = wasmjit.run(HERE / "unwinding.wasm", capture_output=True, text=True, config=modes.config(mode))
    assert (done.stdout, done.returncode) == (UNWOUND, 0)


@pytest.mark.parametrize("mode", MODES)
def test_exceptions_of_cpp_reach_their_handlers(mode: str) -> None:
    with pytest.raises(wasmjit.Unreachable, match="C\\+\\+ exception was not caught") as caught:
        wasmjit.run(HERE / "exceptions.wasm", capture_output=True, text=True, config=modes.config(mode))
    assert caught.value.stdout == CAUGHT  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", MODES)
def test_a_program_gets_what_its_javascript_would_give(mode: str) -> None:
    done = wasmjit.run(
        HERE / "program.wasm", ["one", "two"], env={"NAME": "value"}, capture_output=True, text=True, config=modes.config(mode)
    )
    assert (done.stdout, done.returncode) == (STARTED, 3)


def test_time_is_that_of_the_zone_in_the_environment() -> None:
    try:
        zoneinfo.ZoneInfo("America/New_York")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("Python has no time zones here")
    done = wasmjit.run(HERE / "program.wasm", env={"TZ": "America/New_York"}, capture_output=True, text=True)
    assert "2000-02-29 12:00 -0500 day 060" in done.stdout


def test_the_heap_stays_within_the_limits_that_are_given() -> None:
    done = wasmjit.run(HERE / "program.wasm", capture_output=True, text=True, limits=wasmjit.Limits(memory=17 << 20))
    assert "20 MiB no, 200 MiB no" in done.stdout


def test_the_command_line_runs_them() -> None:
    done = subprocess.run([sys.executable, "-m", "wasmjit", HERE / "program.wasm", "one"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout.startswith("constructed\nargument one\nNAME is not set\n")


def test_beside_the_caller() -> None:
    with wasmjit.Process(HERE / "program.wasm", ["one", "two"], env={"NAME": "value"}, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate(timeout=60)[0] == STARTED
    assert process.returncode == 3
