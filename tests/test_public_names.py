"""The public names of the package: a change of this list is a change for users."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import wasmjit
from tests.paths import ROOT

NAMES = """
    ArrayOutOfBounds BadConversion BadSignature CastFailure CompileError Completed Config Dir Error Exit ExitError ExportType Exports
    Frame Func FuncType Functions Global GlobalType HostFunc ImportType IndirectCallNull Instance IntegerDivideByZero IntegerOverflow
    Limits LinkError Memory MemoryOutOfBounds MemoryType Module NullReference OutOfFuel OutOfMemory Process StackOverflow Table
    TableOutOfBounds TableType Terminated Timeout Trap UnalignedAtomic Unreachable VirtualClock Wasi WasmException __version__ caller
    load pass_instance run trace
""".split()


def test_the_list() -> None:
    assert sorted(wasmjit.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(wasmjit))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_there_and_says_what_it_is(name: str) -> None:
    item = getattr(wasmjit, name)
    assert name == "__version__" or (item.__doc__ and item.__doc__.strip())


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(wasmjit.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = [alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(name for name in seen if name) == sorted(NAMES)


@pytest.mark.parametrize("room", ["bench", "emscripten"])
def test_rooms_that_are_imported_when_used(room: str) -> None:
    program = f"import wasmjit; print(wasmjit.{room}.__name__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"wasmjit.{room}\n"


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        wasmjit.nonsense  # noqa: B018
