"""The interpreter's generated part of the image."""

from .handlers import handlers_ir


def ir() -> str:
    """LLVM IR text of all handlers."""
    return handlers_ir()
