"""Compile restricted Python modules to LLVM IR text."""

from .errors import RestrictedError
from .program import compile_modules

__all__ = ["RestrictedError", "compile_modules"]
