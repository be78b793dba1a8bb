"""The files an image depends on are found by their imports."""

from wasmjit.native.sources import PACKAGE, closure


def test_the_closure_follows_imports() -> None:
    found = closure(["wasmjit.native.build"])
    assert {"native/__init__.py", "native/build.py", "native/elf.py", "native/relocate.py", "native/compiler/function.py"} <= set(found)
    assert all((PACKAGE / path).is_file() for path in found)
    assert found == sorted(set(found))


def test_public_modules_are_no_part_of_it() -> None:
    assert not {"__init__.py", "_instance.py", "_load.py"} & set(closure(["wasmjit._image"]))


def test_unknown_and_foreign_modules_are_left_out() -> None:
    assert closure(["os", "wasmjit.no_such_module", "wasmjit._version"]) == ["_version.py"]
