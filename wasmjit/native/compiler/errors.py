"""Errors of the restricted Python compiler."""

import ast


class RestrictedError(SyntaxError):
    """A restricted function uses what the language does not have. Carries file and line, as every SyntaxError does."""


def error(filename: str, node: ast.AST, message: str) -> RestrictedError:
    """The error at a node's line."""
    import linecache  # slow to import

    line = getattr(node, "lineno", 0)
    return RestrictedError(message, (filename, line, None, linecache.getline(filename, line) or None))
