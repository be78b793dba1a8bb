"""The table of functions: complete, lazy, and with the types that programs import."""

import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.wasi.guest import Guest
from wasmjit.wasi import Wasi
from wasmjit.wasi.table import MODULES, PREVIEW1, UNSTABLE, implementation, signature


def test_all_functions_of_both_releases() -> None:
    assert len(PREVIEW1) == 46
    assert len(UNSTABLE) == 45


@pytest.mark.parametrize("module", MODULES)
def test_every_row_is_implemented(module: str) -> None:
    for name, (family, _, _) in MODULES[module].items():
        assert implementation(family, name).__name__ == name


def test_bound_functions_say_what_they_are() -> None:
    namespace = Wasi().imports()["wasi_snapshot_preview1"]
    for name, row in PREVIEW1.items():
        function = namespace[name]
        assert function.__name__ == name
        assert function._wasmjit_pass_instance is True  # type: ignore[attr-defined]
        assert function._wasmjit_type == signature(row, name)  # type: ignore[attr-defined]
    assert signature(PREVIEW1["proc_exit"], "proc_exit") == (("i32",), ())
    assert signature(PREVIEW1["fd_seek"], "fd_seek") == (("i32", "i64", "i32", "i32"), ("i32",))
    assert signature(PREVIEW1["path_open"], "path_open")[0] == ("i32",) * 5 + ("i64",) * 2 + ("i32",) * 2


def test_a_namespace_is_a_mapping() -> None:
    namespace = Wasi().imports()["wasi_unstable"]
    assert "fd_write" in namespace and "sock_accept" not in namespace and "nothing" not in namespace
    assert set(namespace) == set(namespace.keys()) == set(UNSTABLE) and len(namespace) == 45
    assert namespace.get("nothing") is None and namespace.get("fd_write") is namespace["fd_write"]
    assert dict(namespace.items())["fd_read"] is namespace["fd_read"]
    with pytest.raises(KeyError):
        namespace["nothing"]


def test_linking_everything_imports_no_file_system() -> None:
    program = (
        "import sys; from wasmjit.wasi import Wasi\n"
        "names = Wasi(['a'], {'b': 'c'}).imports()['wasi_snapshot_preview1']\n"
        "[names[name] for name in names]\n"
        "print([name for name in ('path', 'folder', 'hostfile', 'memdir', 'poll', 'sock') if 'wasmjit.wasi.' + name in sys.modules],"
        "      [name for name in ('struct', 'select', 'socket', 'typing', 're', 'random') if name in sys.modules])"
    )
    # without site-packages: an editable install imports some of these itself
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{program}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[] []\n"


@pytest.mark.parametrize("name", [name for name, row in PREVIEW1.items() if row[2] is not None])
@pytest.mark.parametrize("number", [77, -1, 1 << 31])
def test_descriptors_that_are_not_open(name: str, number: int) -> None:
    arguments = [0] * (len(PREVIEW1[name][1]) - 1)
    assert Guest().call(name, number, *arguments) == "BADF"
