"""Which source files an image depends on: found by reading the import statements, so that no list can be forgotten."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from wasmjit.native import provide

PACKAGE = Path(__file__).parents[1]
_ROOT = PACKAGE.name


class Snapshot(NamedTuple):
    """Source files as they were at a moment: see `provide.contents` and `provide.stamp`."""

    paths: list[str]
    contents: int
    stamp: int


def snapshot(paths: list[str]) -> Snapshot:
    """The state of source files now. Taken before they are compiled: then an edit meanwhile makes the image stale."""
    stamp = provide.stamp(paths)
    return Snapshot(paths, provide.contents(paths), stamp)


def closure(names: Iterable[str]) -> list[str]:
    """Paths, relative to the package, of the named modules and of every module of the package that they import."""
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = _find(name)
        if path is not None and name not in found:
            found[name] = path
            waiting += [name.rpartition(".")[0], *_imports(name, path)]
    return sorted(str(path.relative_to(PACKAGE)) for path in found.values())


def _find(name: str) -> Path | None:
    if not name.startswith(_ROOT + "."):  # the package's own __init__ lists public names only
        return None
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()), None)


@cache
def _imports(name: str, path: Path) -> list[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return list(_imported(ast.parse(path.read_bytes(), str(path)), package))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)  # a name may be a module
