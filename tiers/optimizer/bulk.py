"""Memory and table instructions beside loads and stores: most are functions of the run time."""

from collections.abc import Callable

from wasmjit.native.lang import offsetof
from wasmjit.runtime.structs import Inst, Mem, Table
from wasmjit.tiers.optimizer.frames import Frame
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.view import REFERENCE

Handler = Callable[[Builder, Frame, "int | tuple[int, int]", int], int]

# entry of the run time, number of immediates passed first, in which order; operands: u an i32 as a length, v as it is, r a reference
CHECKED = {
    "memory.fill": ("mem_fill", (0,), "uvu"),
    "memory.copy": ("mem_copy", (0, 1), "uuu"),
    "memory.init": ("mem_init", (1, 0), "uuu"),
    "table.fill": ("tab_fill", (0,), "uru"),
    "table.copy": ("tab_copy", (0, 1), "uuu"),
    "table.init": ("tab_init", (1, 0), "uuu"),
}
DROPS = {"data.drop": "data_drop", "elem.drop": "elem_drop"}


def operands(b: Builder, f: Frame, kinds: str) -> list[str]:
    """Take operands as arguments."""
    passed = []
    for kind in reversed(kinds):
        value = b.pop(f)
        passed.append(f"i32 {value}" if kind == "v" else f"i64 {value if kind == 'r' else length(b, value)}")
    return passed[::-1]


def length(b: Builder, value: str) -> str:
    """An i32 as the unsigned number that it is."""
    return b.t.let(f"zext i32 {value} to i64") if value[0] == "%" else str(int(value) & 0xFFFFFFFF)


def checked(name: str) -> Handler:
    """A function that returns a trap's code, or 0."""
    entry, order, kinds = CHECKED[name]

    def run(b: Builder, f: Frame, immediate: "int | tuple[int, int]", i: int) -> int:
        numbers = immediate if isinstance(immediate, tuple) else (immediate,)
        b.here(f, i)
        passed = ", ".join([f"i32 {numbers[k]}" for k in order] + operands(b, f, kinds))
        code = b.runtime("i32", entry, passed)
        t = b.t
        with b.aside(b.guard(t.let(f"icmp ne i32 {code}, 0"))):
            t.runtime("void", "op_trap", f"i64 {t.let(f'zext i32 {code} to i64')}", "noreturn cold")
            t.emit("unreachable")
        return i + 1

    return run


def dropping(name: str) -> Handler:
    def run(b: Builder, f: Frame, segment: "int | tuple[int, int]", i: int) -> int:
        b.here(f, i)
        b.runtime("void", DROPS[name], f"i32 {segment}")
        return i + 1

    return run


def table(b: Builder, index: object) -> str:
    """Address of a Table."""
    assert isinstance(index, int)
    return b.element(b.field(Inst, "%inst", "tables"), index)


def element(b: Builder, f: Frame, index: object, trap: str, i: int) -> str:
    """Take an index: the address of that element of a table; outside it traps."""
    t = b.t
    b.here(f, i)
    where, at = table(b, index), length(b, b.pop(f))
    t.trap(t.let(f"icmp uge i64 {at}, {b.field(Table, where, 'size', 'i64', invariant=False)}"), trap)
    return t.let(f"getelementptr i64, ptr {b.field(Table, where, 'elems', invariant=False)}, i64 {at}")


def table_get(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    b.push(f, b.t.let(f"load i64, ptr {element(b, f, index, 'table', i)}"), REFERENCE)
    return i + 1


def table_set(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    value = b.pop(f)
    b.t.emit(f"store volatile i64 {value}, ptr {element(b, f, index, 'table', i)}")
    return i + 1


def table_size(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    size = b.field(Table, table(b, index), "size", "i64", invariant=False)
    b.push(f, b.t.let(f"trunc i64 {size} to i32"), "i32")
    return i + 1


def table_grow(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    b.here(f, i)
    before = b.runtime("i64", "tab_grow", ", ".join([f"i32 {index}", *operands(b, f, "ru")]))
    b.push(f, b.t.let(f"trunc i64 {before} to i32"), "i32")
    return i + 1


def memory_size(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    pages = b.t.let(f"load volatile i64, ptr {b.t.pointer(b.field(Inst, '%inst', 'mem0'), int(offsetof(Mem, 'pages')))}")
    b.push(f, b.t.let(f"trunc i64 {pages} to i32"), "i32")
    return i + 1


def memory_grow(b: Builder, f: Frame, index: "int | tuple[int, int]", i: int) -> int:
    b.here(f, i)
    before = b.runtime("i64", "mem_grow_at", ", ".join([f"i32 {index}", *operands(b, f, "u")]))
    b.push(f, b.t.let(f"trunc i64 {before} to i32"), "i32")
    return i + 1


HANDLERS: dict[str, Handler] = {
    **{name: checked(name) for name in CHECKED},
    **{name: dropping(name) for name in DROPS},
    "table.get": table_get, "table.set": table_set, "table.size": table_size, "table.grow": table_grow,
    "memory.size": memory_size, "memory.grow": memory_grow,
}  # fmt: skip
