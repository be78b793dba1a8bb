"""Compile restricted Python modules to LLVM IR text."""

from .program import compile_modules
from .errors import RestrictedError

__all__ = ["RestrictedError", "compile_modules"]
