"""Which functions may be compiled: all, or those that WASMJIT_ONLY names by index, `3,8-11`. For finding the one whose code is wrong."""

import os

VARIABLE = "WASMJIT_ONLY"


def read(text: str) -> frozenset[int]:
    """The indices in a text. ValueError: it is something else."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def write(functions: "list[int]") -> str:
    """The text for indices in ascending order."""
    parts: list[list[int]] = []
    for function in functions:
        if parts and parts[-1][1] == function - 1:
            parts[-1][1] = function
        else:
            parts.append([function, function])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


only: frozenset[int] | None = read(os.environ[VARIABLE]) if VARIABLE in os.environ else None


def permitted(function: int) -> bool:
    """Whether a function may be compiled."""
    return only is None or function in only
