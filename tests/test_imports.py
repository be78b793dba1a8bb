"""What starting costs: which modules `import wasmjit`, running a program and the command line load."""

import subprocess
import sys

import pytest

from tests.paths import EXAMPLES, ROOT

HELLO = EXAMPLES / "hello.wasm"
STANDARD = "argparse ast ctypes dataclasses enum inspect json logging pathlib re subprocess tempfile threading typing"
BUILD_TIME = "llvmlite numpy wasmjit.isa.row wasmjit.native.compiler wasmjit.native.lang wasmjit.runtime.structs"
HEAVY = set(f"{STANDARD} {BUILD_TIME}".split())


def loaded(program: str) -> set[str]:
    """The modules that `program` adds to a Python without site-packages: an editable install imports some of them itself."""
    prologue = f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules)\n"
    epilogue = "\nprint(*sorted(set(sys.modules) - before), sep='\\n', file=sys.stderr)"
    command = [sys.executable, "-S", "-c", prologue + program + epilogue]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def image() -> None:
    """The image in the cache, so that no run below has to build it."""
    subprocess.run([sys.executable, "-m", "wasmjit", str(HELLO)], cwd=ROOT, check=True, capture_output=True)


def test_importing_the_package_loads_nothing_else() -> None:
    assert loaded("import wasmjit") == {"wasmjit"}


@pytest.mark.parametrize(
    "program",
    [
        f"import wasmjit; assert wasmjit.run({str(HELLO)!r}, capture_output=True).stdout == b'hello, WebAssembly!\\n'",
        f"import wasmjit; assert wasmjit.load({str(HELLO)!r}).exports.add(2, 3) == 5",
        f"from wasmjit.cli import main; assert main([{str(HELLO)!r}]) == 0",
    ],
    ids=["run", "load", "command"],
)
@pytest.mark.usefixtures("image")
def test_running_a_module_loads_nothing_heavy(program: str) -> None:
    assert sorted(loaded(program) & HEAVY) == []


@pytest.mark.usefixtures("image")
def test_what_compiles_beside_a_program_loads_little_into_it() -> None:
    added = loaded("import wasmjit.tiers.engine, wasmjit.tiers.workers")
    assert sorted(added & (HEAVY | {"pickle", "signal"}) - {"threading"}) == []


def test_the_process_that_compiles_loads_nothing_for_nothing() -> None:
    added = loaded("import wasmjit.tiers.worker, wasmjit.tiers.optimizer.compile, wasmjit.tiers.optimizer.build")
    assert "wasmjit.tiers.optimizer.lower" in added
    assert sorted(added & {"dataclasses", "inspect", "pickle", "subprocess", "wasmjit._image", "wasmjit.runtime.units"}) == []
