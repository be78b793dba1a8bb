"""Benchmarks: each module prints its figures and the peers' from one interleaved run.

`python -m wasmjit.bench` lists them, `python -m wasmjit.bench NAME [ARGS...]` runs one. A benchmark is a module of this package
with `main(argv: list[str]) -> int`; the first line of its docstring is what the list shows. Names that start with an underscore
are shared code. Timings are never asserted: a slow machine fails no test.
"""

from wasmjit.bench._compare import Comparison, ResultsDiffer, compare

__all__ = ["Comparison", "ResultsDiffer", "compare"]
