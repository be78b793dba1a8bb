"""Calls between Python and wasm, against calls of Python functions with the same arguments.

    python -m wasmjit.bench calls [REPEATS]

Nanoseconds a call, the loop around it included; medians of interleaved runs. Exports: a wasm function called in a Python
loop; imports: a Python function called in a wasm loop; both over that Python function called in a Python loop.
"""

from collections.abc import Callable
from statistics import median
from timeit import Timer
from typing import Any, NamedTuple

import wasmjit
from wasmjit.bench._measure import geomean, interleaved

CALLS = 100_000  # of each measurement


class Row(NamedTuple):
    """A signature: as an export with a body, as an import, and as a Python function of the same arguments."""

    params: str
    results: str
    arguments: tuple[Any, ...]
    body: str
    function: Callable[..., Any]

    @property
    def signature(self) -> str:
        return f"({self.params.replace(' ', ', ')}) -> ({self.results.replace(' ', ', ')})"

    @property
    def type(self) -> str:
        return f"(param {self.params}) (result {self.results})"


ROWS = (
    Row("", "", (), "", lambda: None),
    Row("i32 i32", "i32", (1000, 2000), "(i32.add (local.get 0) (local.get 1))", lambda a, b: a + b),
    Row("i64", "i64", (1 << 40,), "(i64.add (local.get 0) (i64.const 1))", lambda a: a + 1),
    Row("f64 f64", "f64", (1.5, 2.5), "(f64.mul (local.get 0) (local.get 1))", lambda a, b: a * b),
    Row("i32 f64 i64 f32 i32", "f64", (1, 2.5, 3, 4.5, 5), "(f64.add (local.get 1) (f64.const 1))", lambda a, b, c, d, e: b + 1),
    Row("i32", "i32 i32", (7,), "(local.get 0) (local.get 0)", lambda a: (a, a)),
)


def exporting() -> str:
    """A module that exports the rows, named by their numbers."""
    return "\n".join(["(module", *(f'(func (export "{i}") {row.type} {row.body})' for i, row in enumerate(ROWS)), ")"])


def importing() -> str:
    """A module that imports the rows; it exports for each a function that calls the import as often as its parameter says."""
    lines = [f'(import "host" "{i}" (func $import{i} {row.type}))' for i, row in enumerate(ROWS)]
    for i, row in enumerate(ROWS):
        arguments = " ".join(f"({kind}.const {value})" for kind, value in zip(row.params.split(), row.arguments, strict=True))
        lines.append(f'''(func (export "{i}") (param $n i32)
          (loop (call $import{i} {arguments}) {"drop " * len(row.results.split())}
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))''')
    return "\n".join(["(module", *lines, ")"])


def calls(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], float]:
    """A timer of a Python loop that calls a function: nanoseconds a call."""
    timer = Timer(f"f({', '.join(map(repr, arguments))})", globals={"f": function})
    return lambda: timer.timeit(CALLS) / CALLS * 1e9


def loops(function: Callable[[int], Any]) -> Callable[[], float]:
    """A timer of one call that loops inside: nanoseconds a round."""
    timer = Timer("f(n)", globals={"f": function, "n": CALLS})
    return lambda: timer.timeit(1) / CALLS * 1e9


def table(title: str, rows: list[tuple[str, float, float]], limit: float) -> None:
    print(f"{title:34} {'wasm':>8} {'Python':>8} {'ratio':>7}")
    for name, ours, theirs in rows:
        print(f"  {name:32} {ours:8.1f} {theirs:8.1f} {ours / theirs:7.2f}")
    mean = geomean([ours / theirs for _, ours, theirs in rows])
    print(f"  {'geomean':32} {'':8} {'':8} {mean:7.2f}   (at most {limit})")


def main(argv: list[str]) -> int:
    """Print both tables. `argv`: how often each is measured, 15 times if empty."""
    repeats = int(argv[0]) if argv else 15
    exports = wasmjit.Instance(wasmjit.Module(exporting())).exports
    imports = wasmjit.Instance(wasmjit.Module(importing()), {"host": {str(i): row.function for i, row in enumerate(ROWS)}}).exports
    called, calling = [], []
    for i, row in enumerate(ROWS):
        timers = (calls(exports[str(i)], row.arguments), calls(row.function, row.arguments), loops(imports[str(i)]))
        ours, theirs, back = map(median, interleaved(timers, repeats))
        called.append((row.signature, ours, theirs))
        calling.append((row.signature, back, theirs))
    table("exported functions", called, 1.3)
    table("imported Python functions", calling, 3)
    return 0
