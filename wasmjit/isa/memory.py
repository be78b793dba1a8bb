"""Memory and table instructions (spec 4.4)."""

from .row import Row

WHOLE = (("i32", "u32"), ("i64", "u64"), ("f32", "f32"), ("f64", "f64"))  # value type, type in memory
PARTS = (("i32", 8), ("i32", 16), ("i64", 8), ("i64", 16), ("i64", 32))  # value type, bits in memory


def _load(code: int, name: str, t: str, kind: str, meaning: str) -> Row:
    size = int(kind[1:]) // 8
    return Row(f"{t}.{name}", code, imm=("memarg",), params=("i32",), results=(t,), kind="load", meaning=meaning, access=(size, kind))


def _store(code: int, name: str, t: str, kind: str, meaning: str) -> Row:
    size = int(kind[1:]) // 8
    return Row(f"{t}.{name}", code, imm=("memarg",), params=("i32", t), kind="store", meaning=meaning, access=(size, kind))


def _loads(first: int) -> list[Row]:
    rows = [_load(first + i, "load", t, kind, "m") for i, (t, kind) in enumerate(WHOLE)]
    for t, width in PARTS:
        bits = t[1:]
        signed = f"u{bits}(i{bits}(m))"
        rows.append(_load(first + len(rows), f"load{width}_s", t, f"i{width}", signed))
        rows.append(_load(first + len(rows), f"load{width}_u", t, f"u{width}", f"u{bits}(m)"))
    return rows


def _stores(first: int) -> list[Row]:
    rows = [_store(first + i, "store", t, kind, "v") for i, (t, kind) in enumerate(WHOLE)]
    return rows + [_store(first + 4 + i, f"store{width}", t, f"u{width}", f"u{width}(v)") for i, (t, width) in enumerate(PARTS)]


def _bulk(name: str, code: int, imm: tuple[str, ...], params: int, kind: str) -> Row:
    return Row(name, code, 0xFC, imm, ("i32",) * params, kind=kind, feature="bulk-memory")


def _table(name: str, code: int, params: tuple[str, ...], results: tuple[str, ...], prefix: int = 0xFC) -> Row:
    return Row(name, code, prefix, ("table",), params, results, kind="table", feature="reference-types")


MEMORY = (
    *_loads(0x28),
    *_stores(0x36),
    Row("memory.size", 0x3F, imm=("mem",), results=("i32",), kind="memory"),
    Row("memory.grow", 0x40, imm=("mem",), params=("i32",), results=("i32",), kind="memory"),
    _bulk("memory.init", 8, ("data_mem",), 3, "memory"),
    _bulk("data.drop", 9, ("data",), 0, "memory"),
    _bulk("memory.copy", 10, ("mem2",), 3, "memory"),
    _bulk("memory.fill", 11, ("mem",), 3, "memory"),
    _bulk("table.init", 12, ("elem_table",), 3, "table"),
    _bulk("elem.drop", 13, ("elem",), 0, "table"),
    _bulk("table.copy", 14, ("table2",), 3, "table"),
    _table("table.get", 0x25, ("i32",), ("ref",), 0),
    _table("table.set", 0x26, ("i32", "ref"), (), 0),
    _table("table.grow", 15, ("ref", "i32"), ("i32",)),
    _table("table.size", 16, (), ("i32",)),
    _table("table.fill", 17, ("i32", "ref", "i32"), ()),
)
