"""llvmlite without what it imports and a compiler never uses: half of the time that it takes to import.

It finds its library through importlib.resources, which imports tempfile, shutil, pathlib and more; and its binding imports its IR
builder, to translate types that nobody asks for. For a process that does nothing but compile: others may want the whole of it.
"""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Resource(str):
    """A path that grows as those of importlib.resources do."""

    __slots__ = ()

    def __truediv__(self, name: str) -> "_Resource":
        return _Resource(os.path.join(self, name))


class _Resources(ModuleType):
    """In place of importlib.resources, for packages in folders."""

    @staticmethod
    def files(package: str) -> _Resource:
        return _Resource(os.path.dirname(str(sys.modules[package].__file__)))

    @staticmethod
    def as_file(path: _Resource) -> "AbstractContextManager[_Resource]":
        return nullcontext(path)


class _Names(ModuleType):
    """In place of a module of classes that are only referred to."""

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def import_llvmlite() -> None:
    """Import llvmlite.binding so; as usual where a version of it needs more than is here."""
    if "llvmlite" in sys.modules:
        return
    own: list[ModuleType] = [_Resources("importlib.resources"), _Names("llvmlite.ir")]
    places = [module for module in own if module.__name__ not in sys.modules]
    for module in places:
        sys.modules[module.__name__] = module
    try:
        import llvmlite.binding

        llvmlite.binding.get_default_triple()  # the library is loaded
    except Exception:
        for name in [name for name in sys.modules if name.partition(".")[0] == "llvmlite"]:
            del sys.modules[name]
    for module in places:
        if sys.modules.get(module.__name__) is module:
            del sys.modules[module.__name__]
