"""`python -m wasmjit.bench [NAME [ARGS...]]`: run one benchmark, or list them."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import wasmjit.bench


def names() -> list[str]:
    """The benchmarks: public modules of this package."""
    return sorted(m.name for m in iter_modules(wasmjit.bench.__path__) if not m.name.startswith(("_", "bench_", "test_")))


def summary(name: str) -> str:
    """The first line of the module's docstring; a benchmark whose peer is not installed still lists."""
    try:
        text = import_module(f"wasmjit.bench.{name}").__doc__ or ""
    except ImportError as error:
        return f"({error})"
    return text.strip().split("\n", 1)[0]


def main(argv: list[str]) -> int:
    """List the benchmarks when `argv` is empty, else run `argv[0]` with the rest; returns the exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: python -m wasmjit.bench NAME [ARGS...]\n")
        for name in names():
            print(f"  {name:<14} {summary(name)}")
        return 0
    if argv[0] not in names():
        print(f"wasmjit.bench: error: no benchmark {argv[0]!r}; there are: {', '.join(names()) or 'none'}", file=sys.stderr)
        return 2
    return int(import_module(f"wasmjit.bench.{argv[0]}").main(argv[1:]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
