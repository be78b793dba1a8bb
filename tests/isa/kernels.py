"""The meanings of all rows as restricted Python: one source text that CPython runs and that is compiled, so that a test can compare."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from wasmjit.isa import TABLE, Row

ROWS = tuple(row for row in TABLE if row.meaning)
TRAPS = ("", "divide", "overflow", "conversion")
TYPES = {"i32": "u32", "i64": "u64", "f32": "f32", "f64": "f64", "ref": "u64"}
HEADER = "from wasmjit.native.lang import *\n"


def operands(row: Row) -> dict[str, str]:
    """Names and types of what the meaning is given."""
    if row.kind == "load":
        return {"m": row.access[1]}
    if row.kind == "store":
        return {"v": TYPES[row.params[1]]}
    return {name: TYPES[kind] for name, kind in zip("abc", row.params, strict=False)}


def result(row: Row) -> str:
    """Type of what the meaning gives."""
    return row.access[1] if row.kind == "store" else TYPES[row.results[0]]


def width(kind: str) -> int:
    """Bits of a type."""
    return int(kind[1:])


def _read(kind: str, word: str) -> str:
    if kind == "u64":
        return word
    return f"from_bits({'u32(' + word + ')' if kind == 'f32' else word})" if kind[0] == "f" else f"{kind}({word})"


def _kernel(index: int, row: Row) -> Iterator[str]:
    names = operands(row)
    parameters = ", ".join(f"{name}: {kind}" for name, kind in names.items())
    yield f"@fn\ndef check_{index}({parameters}) -> u64:"
    for condition, trap in row.checks:
        yield f"    if {condition}:\n        return {TRAPS.index(trap)}"
    yield "    return 0\n"
    kind = result(row)
    value = f"{kind}({row.meaning})" if row.kind == "compare" or row.kind == "ref" else row.meaning
    yield f"@fn\ndef mean_{index}({parameters}) -> {kind}:\n    return {value}\n"
    yield f"@export\ndef run_{index}(words: ptr[u64], results: ptr[u64], count: u64) -> None:"
    yield "    i: u64 = 0\n    while i < count:"
    for at, (name, of) in enumerate(names.items()):
        yield f"        {name} = {_read(of, f'words[2 * i + {at}]')}"
    arguments = ", ".join(names)
    bits = f"mean_{index}({arguments})"
    if kind[0] == "f":
        bits = f"bits({bits})"
    elif kind != "u64":
        bits = f"u{width(kind)}({bits})"
    yield f"        results[2 * i] = check_{index}({arguments})\n        results[2 * i + 1] = 0"
    yield f"        if results[2 * i] == 0:\n            results[2 * i + 1] = u64({bits})"
    yield "        i += 1\n"


def write(folder: Path) -> ModuleType:
    """Write the source to a folder and import it: check_<i>, mean_<i> and run_<i> for each row of ROWS."""
    path = folder / "meanings.py"
    lines = [line for index, row in enumerate(ROWS) for line in _kernel(index, row)]
    path.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("meanings", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
