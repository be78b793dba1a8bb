"""Memory and table instructions (spec 4.4)."""

from .row import Row


def _accesses() -> list[Row]:
    rows, code = [], 0x28
    for t in ("i32", "i64", "f32", "f64"):
        size = 4 if t[1:] == "32" else 8
        kind = t if t[0] == "f" else "u" + t[1:]
        rows.append(Row(f"{t}.load", code, imm=("memarg",), params=("i32",), results=(t,), kind="load", meaning="m", access=(size, kind)))
        code += 1
    for t, widths in (("i32", (8, 16)), ("i64", (8, 16, 32))):
        size = t[1:]
        for width in widths:
            for sign in "su":
                kind = ("i" if sign == "s" else "u") + str(width)
                meaning = f"u{size}(i{size}(m))" if sign == "s" else f"u{size}(m)"
                rows.append(Row(f"{t}.load{width}_{sign}", code, imm=("memarg",), params=("i32",), results=(t,), kind="load", meaning=meaning, access=(width // 8, kind)))
                code += 1
    for t in ("i32", "i64", "f32", "f64"):
        size = 4 if t[1:] == "32" else 8
        kind = t if t[0] == "f" else "u" + t[1:]
        rows.append(Row(f"{t}.store", code, imm=("memarg",), params=("i32", t), kind="store", meaning="v", access=(size, kind)))
        code += 1
    for t, widths in (("i32", (8, 16)), ("i64", (8, 16, 32))):
        for width in widths:
            rows.append(Row(f"{t}.store{width}", code, imm=("memarg",), params=("i32", t), kind="store", meaning=f"u{width}(v)", access=(width // 8, f"u{width}")))
            code += 1
    return rows


def _bulk(name: str, code: int, imm: tuple[str, ...], params: int, kind: str) -> Row:
    return Row(name, code, 0xFC, imm, ("i32",) * params, kind=kind, feature="bulk-memory")


def _table(name: str, code: int, params: tuple[str, ...], results: tuple[str, ...], prefix: int = 0xFC) -> Row:
    return Row(name, code, prefix, ("table",), params, results, kind="table", feature="reference-types")


MEMORY = (
    *_accesses(),
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
