"""The rooms of the package: which exist, which may import which, and which are written in restricted Python."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE_DIR: dict[str, str] = CONFIG["tool"]["setuptools"]["package-dir"]

# A room may import itself and what stands here. "wasmjit" is the embedding API: the modules beside wasmjit/__init__.py.
# The foundation are names that every layer's messages and signatures use.
FOUNDATION = {"wasmjit._errors", "wasmjit._functype", "wasmjit._traps", "wasmjit._types", "wasmjit._version"}
STRUCTURES = {"wasmjit.runtime.codes", "wasmjit.runtime.structs"}  # run-time structures, declared once for native code and Python
BELOW_RUNTIME = {"wasmjit.isa", "wasmjit.native", "wasmjit.binary", "wasmjit.profiler.events"}
ALLOWED: dict[str, set[str]] = {
    "wasmjit.isa": set(),
    "wasmjit.profiler.events": set(),
    "wasmjit.runtime.codes": set(),
    "wasmjit.runtime.structs": {"wasmjit.native.lang", "wasmjit.runtime.codes"},
    "wasmjit.native": {"wasmjit.isa", "wasmjit._version"},
    "wasmjit.binary": {"wasmjit.isa", "wasmjit.native"} | STRUCTURES,
    "wasmjit.runtime": BELOW_RUNTIME | FOUNDATION | {"wasmjit._image"},
    "wasmjit.tiers": BELOW_RUNTIME | FOUNDATION | {"wasmjit._image", "wasmjit.runtime"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the distribution as (dotted name, file), found in the real folders and not through the links."""
    for package, folder in PACKAGE_DIR.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if linked(ROOT / folder, path):
                continue
            relative = path.relative_to(ROOT / folder).with_suffix("")
            parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
            yield ".".join((package, *parts)), path


def linked(top: Path, path: Path) -> bool:
    """Whether a folder between `top` and `path` is a symbolic link."""
    return any(parent.is_symlink() for parent in path.parents if parent != top and top in parent.parents)


MODULES = dict(modules())


def imports(name: str, tree: ast.AST, is_package: bool) -> Iterator[str]:
    """Absolute names of the wasmjit modules that the module imports anywhere, those for type checkers left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".") if is_package else name.split(".")[:-1]
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in MODULES else base
        yield from imports(name, node, is_package)


def covers(rooms: set[str], name: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room_of(name: str) -> str | None:
    """The most specific room of ALLOWED that the module belongs to; None for the API, WASI, and commands (`__main__`), which know all."""
    if name.endswith(".__main__"):
        return None
    return max((room for room in ALLOWED if covers({room}, name)), key=len, default=None)


def test_packages_are_the_folders() -> None:
    folders = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert sorted(CONFIG["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_linked_rooms_are_the_top_level_folders() -> None:
    for package, folder in PACKAGE_DIR.items():
        if package != "wasmjit":
            link = ROOT / Path(*package.split("."))
            assert link.is_symlink() and link.resolve() == ROOT / folder


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in MODULES.values()}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_one_way(name: str) -> None:
    room = room_of(name)
    if room is None:
        return
    path = MODULES[name]
    found = imports(name, ast.parse(path.read_text()), path.name == "__init__.py")
    wrong = {target for target in found if target.split(".")[0] == "wasmjit" and not covers({room} | ALLOWED[room], target)}
    assert wrong == set(), f"{room} may import {sorted(ALLOWED[room])}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_linked_rooms_are_imported_by_their_installed_names(name: str) -> None:
    path = MODULES[name]
    found = set(imports(name, ast.parse(path.read_text()), path.name == "__init__.py"))
    assert not {target for target in found if target.split(".")[0] in ("bench", "profiler", "tiers")}, "write wasmjit.tiers and so on"


def test_every_module_says_what_it_is() -> None:
    assert [name for name, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_exactly_the_restricted_modules_are_exempt_from_type_checks() -> None:
    """One line a module in pyproject.toml, so that none of plain Python escapes mypy."""
    exempt = [name for rule in CONFIG["tool"]["mypy"]["overrides"] if rule.get("ignore_errors") for name in rule["module"]]
    tests = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "tests").rglob("*.py")}
    assert exempt == sorted(name for name, path in (MODULES | tests).items() if is_restricted(path))


def is_restricted(path: Path) -> bool:
    """Whether the module declares kernels, structures or externs: it takes the decorators for them from the compiler's language."""
    tree = ast.parse(path.read_text())
    marks = {"fn", "export", "extern", "struct", "const", "var"}
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "wasmjit.native.lang" and marks & {alias.name for alias in node.names}
        for node in ast.walk(tree)
    )
