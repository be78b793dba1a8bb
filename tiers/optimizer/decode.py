"""Bodies as flat lists: one pass over the bytes, after which nothing reads the binary format again (spec 5.4).

Position i of a body is its i-th instruction: `ops[i]` its number (OPCODE of the table's row), `imms[i]` its immediates in the form that
the builder wants (constants as IR text, blocks as Region), `offsets[i]` where it stands in the binary.
"""

import struct
from typing import TYPE_CHECKING, Any

from wasmjit.isa import BY_NAME, TABLE, Row
from wasmjit.tiers.optimizer.leb import signed, unsigned

if TYPE_CHECKING:
    from wasmjit.tiers.optimizer.view import Types, View

NUMBERS = 512  # opcodes without prefix, then those of prefix 0xFC
VOID = 0x40
LLVM = {0x7F: "i32", 0x7E: "i64", 0x7D: "float", 0x7C: "double", 0x70: "i64", 0x6F: "i64"}  # references are addresses or handles


def number(row: Row) -> int:
    """The number that stands for a row in `Body.ops`."""
    return row.code + (256 if row.prefix else 0)


ROWS: list[Row | None] = [None] * NUMBERS
for _row in TABLE:
    ROWS[number(_row)] = _row

# how immediates are read; the rest of the names are single indices
NONE, INDEX, MEMARG, PAIR, I32, I64, F32, F64, BLOCK, LABELS, TYPES, REFTYPE, WRITE, GLOBAL_WRITE, CALL, ELSE, END = range(17)
_FORMS = {
    "memarg": MEMARG, "i32": I32, "i64": I64, "f32": F32, "f64": F64, "blocktype": BLOCK, "labels": LABELS, "valtypes": TYPES,
    "reftype": REFTYPE, **dict.fromkeys(("table_type", "mem2", "data_mem", "elem_table", "table2"), PAIR),
}  # fmt: skip
_NAMED = {
    "local.set": WRITE, "local.tee": WRITE, "global.set": GLOBAL_WRITE, "else": ELSE, "end": END,
    **dict.fromkeys(("call", "memory.grow"), CALL),
}  # fmt: skip


def _form(row: Row | None) -> int:
    if row is None:
        return NONE
    return _NAMED.get(row.name) or (_FORMS.get(row.imm[0], INDEX) if row.imm else NONE)


FORM = [_form(row) for row in ROWS]
OP = {name: number(row) for name, row in BY_NAME.items()}
LOOP, IF, OP_END, CALL_INDIRECT = OP["loop"], OP["if"], OP["end"], OP["call_indirect"]
SMALL = [str(byte if byte < 64 else byte - 128) for byte in range(128)]  # i32 and i64 constants of one byte


class Region:
    """A block, loop or if, or a whole body (`op` = block, `start` = -1).

    start, end: positions of its opening instruction and of its `end`; other: that of its `else`, 0 without one. locals: those written
    inside; globals: likewise; calls: whether anything inside can run other code. parent: the region around, None for the body.
    """

    __slots__ = ("op", "params", "results", "start", "end", "other", "locals", "globals", "calls", "parent")

    def __init__(self, op: int, params: "Types", results: "Types", start: int, parent: "Region | None") -> None:
        self.op, self.params, self.results, self.start, self.parent = op, params, results, start, parent
        self.end = self.other = 0
        self.locals: set[int] = set()
        self.globals: set[int] = set()
        self.calls = False


class Body:
    """A decoded function. start: offset in the binary of its vector of locals; nparams parameters come first in `locals`."""

    __slots__ = ("function", "start", "nparams", "locals", "results", "base", "ops", "imms", "offsets", "root", "loops", "size", "live")

    def __init__(self, function: int, start: int, nparams: int, locals: "Types", results: "Types") -> None:
        self.function, self.start, self.nparams, self.locals, self.results = function, start, nparams, locals, results
        self.base = max(len(locals), 2)  # slot of the first operand
        self.ops: list[int] = []
        self.imms: list[Any] = []
        self.offsets: list[int] = []
        self.loops: dict[int, Region] = {}  # by offset in the binary
        self.root: Region
        self.size = 0
        self.live: dict[int, int] | None = None  # as liveness.live_locals has found


def float_text(bits: int) -> str:
    """An f32 as IR: LLVM writes it as the double of the same value; NaNs keep their bits only as an integer."""
    if bits & 0x7F800000 == 0x7F800000:
        return f"bitcast (i32 {bits} to float)"
    (value,) = struct.unpack("<f", bits.to_bytes(4, "little"))
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def decode(view: "View", function: int, start: int, data: bytes) -> Body:
    """The function whose body is `data`, which stands at `start` of the binary."""
    params, results = view.signature(function)
    locals = list(params)
    groups, p = unsigned(data, 0)
    for _ in range(groups):
        count, p = unsigned(data, p)
        locals += [LLVM[data[p]]] * count
        p += 1
    body = Body(function, start, len(params), tuple(locals), results)
    body.root = _instructions(view, body, data, p)
    body.size = len(body.ops)
    return body


def _block_type(view: "View", data: bytes, p: int) -> tuple["Types", "Types", int]:
    byte = data[p]
    if byte == VOID:
        return (), (), p + 1
    if byte in LLVM:
        return (), (LLVM[byte],), p + 1
    index, p = signed(data, p)
    return *view.types[index], p


def _instructions(view: "View", body: Body, data: bytes, p: int) -> Region:
    """Fill the body's lists from its bytes behind the locals; returns the region of the whole."""
    form, small, start, end = FORM, SMALL, body.start, len(data)
    ops, imms, offsets = body.ops, body.imms, body.offsets
    op, imm, at = ops.append, imms.append, offsets.append
    root = region = Region(OP["block"], (), body.results, -1, None)
    while p < end:
        at(start + p)
        o = data[p]
        p += 1
        if o >= 0xFB:
            sub, p = unsigned(data, p)
            o = 256 + sub
        kind = form[o]
        op(o)
        if kind == NONE:
            imm(None)
        elif kind == INDEX:
            byte = data[p]
            p += 1
            if byte >= 0x80:
                byte, p = unsigned(data, p - 1)
            imm(byte)
        elif kind == I32 or kind == I64:
            byte = data[p]
            if byte < 0x80:
                p += 1
                imm(small[byte])
            else:
                byte, p = signed(data, p)
                imm(str(byte))
        elif kind == MEMARG:
            _, p = unsigned(data, p)
            byte = data[p]
            p += 1
            if byte >= 0x80:
                byte, p = unsigned(data, p - 1)
            imm(byte)
        elif kind == WRITE:
            byte, p = unsigned(data, p)
            region.locals.add(byte)
            imm(byte)
        elif kind == BLOCK:
            params, results, p = _block_type(view, data, p)
            region = Region(o, params, results, len(ops) - 1, region)
            if o == LOOP:
                body.loops[offsets[-1]] = region
            imm(region)
        elif kind == END:
            imm(region)
            region.end = len(ops) - 1
            around = region.parent
            if around is None:
                break
            around.locals |= region.locals
            around.globals |= region.globals
            around.calls |= region.calls
            region = around
        elif kind == ELSE:
            region.other = len(ops) - 1
            imm(region)
        elif kind == CALL:
            region.calls = True
            byte, p = unsigned(data, p)
            imm(byte)
        elif kind == GLOBAL_WRITE:
            byte, p = unsigned(data, p)
            region.globals.add(byte)
            imm(byte)
        elif kind == PAIR:
            region.calls = True
            first, p = unsigned(data, p)
            second, p = unsigned(data, p)
            imm((first, second))
        else:
            value, p = _rare(data, kind, p)
            imm(value)
    return root


def _rare(data: bytes, kind: int, p: int) -> tuple[Any, int]:
    """Immediates of the less frequent kinds."""
    if kind == F64:
        return f"0x{int.from_bytes(data[p : p + 8], 'little'):016X}", p + 8
    if kind == F32:
        return float_text(int.from_bytes(data[p : p + 4], "little")), p + 4
    if kind == REFTYPE:
        return None, signed(data, p)[1]
    count, p = unsigned(data, p)
    values = []
    for _ in range(count + (kind == LABELS)):
        value, p = unsigned(data, p)
        values.append(value)
    return tuple(values), p


def skip_expression(data: bytes, p: int) -> int:
    """Position behind a constant expression (spec 3.3.10)."""
    while True:
        o = data[p]
        p += 1
        if o == OP_END:
            return p
        kind = FORM[o]
        if kind == I32 or kind == I64:
            _, p = signed(data, p)
        elif kind == INDEX:
            _, p = unsigned(data, p)
        elif kind != NONE:
            _, p = _rare(data, kind, p)
