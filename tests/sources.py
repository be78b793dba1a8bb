"""A binary as the optimizer sees it, whole: every body is at hand."""

from wasmjit.tiers.optimizer.leb import unsigned
from wasmjit.tiers.optimizer.request import Source
from wasmjit.tiers.optimizer.view import View
from wasmjit.tiers.sources import SECTIONS

CODE = 10


def source(binary: bytes) -> Source:
    """Everything of a binary that a request can be about."""
    head, code = b"", 0
    at = 8
    while at < len(binary):
        start, number = at, binary[at]
        size, at = unsigned(binary, at + 1)
        if number == CODE:
            code = at
        at += size
        if number in SECTIONS:
            head += binary[start:at]
    bodies = {}
    count, at = unsigned(binary, code) if code else (0, 0)
    first = View(head).nimports
    for function in range(first, first + count):
        size, at = unsigned(binary, at)
        bodies[function] = at, binary[at : at + size]
        at += size
    return Source(len(binary), head, bodies)
