"""The examples that run npm packages."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.paths import EXAMPLES, ROOT

OUTPUTS = [
    ("sqlite.py", [], "melon\t1430\napple\t182\nplum\t66\nfruit.db has 8192 bytes\n"),
    ("sqlite.py", ["select 2 + 3, null"], "5\tNone\nfruit.db has 8192 bytes\n"),
    ("quickjs.py", ["[1, 2].map(n => `${n}!`).join()"], "1!,2!\na script without end was stopped after half a second\n"),
]


def run(name: str, arguments: list[str], **env: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run([sys.executable, EXAMPLES / name, *arguments], env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments", "output"), OUTPUTS)
def test_they_do_what_they_say(name: str, arguments: list[str], output: str) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    done = run(name, arguments)
    if "could not fetch" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert (done.stdout, done.stderr) == (output, "")


@pytest.mark.parametrize("name", ["sqlite.py", "quickjs.py"])
def test_they_say_what_is_missing(name: str) -> None:
    done = run(name, [], PATH="")
    assert done.returncode == 1
    assert "npm, which is not installed" in done.stderr
