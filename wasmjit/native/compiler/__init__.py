"""Compile restricted Python modules to LLVM IR text."""

from .errors import RestrictedError
from .modules import compile_modules

__all__ = ["RestrictedError", "compile_modules"]
