"""Programs that signals are sent to run in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.paths import ROOT

PRELUDE = """\
import os, signal, sys, threading, time
import wasmjit
from tests.preempt.making import *
from tests.units.loops import *
from tests.units.making import *
"""


@pytest.fixture
def script() -> Callable[[str], str]:
    """Run a program; what it prints. It must end well, and within a minute."""

    def run(text: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", PRELUDE + text], capture_output=True, text=True, timeout=60, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
