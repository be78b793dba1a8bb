"""Errors of the restricted Python compiler."""

import ast


class RestrictedError(SyntaxError):
    """A restricted function uses what the language does not have; carries file and line."""


def error(filename: str, node: ast.AST, message: str) -> RestrictedError:
    line = getattr(node, "lineno", 0)
    found = RestrictedError(f"{filename}:{line}: {message}")
    found.filename, found.lineno = filename, line
    return found
