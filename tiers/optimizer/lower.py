"""IR of the instructions that the table gives a meaning: derived from a row when it is first needed, then filled in.

A row's checks and meaning are compiled with placeholders for the operands. What comes out is a format: lowering an instruction puts the
operands' texts into it. Everything else, control, calls, variables, tables, is the builder's (`BUILDER`).

An access that may fault carries a debug location, which leads from its address to its site. Processors take operands from memory: the
load would become part of an instruction elsewhere, with the location of that. llvm.fake.use, which leaves no code, is a second use of
what was loaded, so that it stays an instruction of its own. Arithmetic on floats, which LLVM does not reorder, takes its operand from
memory where it comes directly behind the load (`FOLDED_LOADS`, `FOLDING`), and then has the load's location. A second use does not help
where LLVM widens an i32: it makes a load of 64 bits, of which the other uses take the low half, in the place that wants it widened. Nor
does it where few bits of a load that extends are wanted, or other bits above them: the load is made anew without a place, and what is
left there extends a register. So what such loads give passes through an empty piece of assembly (`SEALED_LOADS`). As that takes LLVM
long, it is done only for i32.load where code gets copied; elsewhere it is seen in the machine code that a load lost its site, and done
then.

Values are texts: names or literals. A comparison gives an i1; who needs an i32 extends it (`as_i32`, `truth`).

*Signalling NaNs.* WebAssembly's arithmetic makes NaNs quiet (spec 4.3.3); LLVM does not promise that, and folds x * 1, x / 1, x - 0, x + -0
and demote(promote(x)) to x, x * -1 to -x. Results of arithmetic are quiet and their names begin with "%q", so such a fold does no harm to
them. Where the other operand may signal, a literal that begins such a fold is hidden behind llvm.arithmetic.fence, which costs nothing,
and so is the operand of a demotion. `settled` hides literals that reach arithmetic through a phi or a select.
"""

import ast
from collections.abc import Callable
from typing import Any, Protocol

from wasmjit.isa import CANONICAL_NAN, TABLE, Row
from wasmjit.native import lang
from wasmjit.native.compiler.expression import ExpressionCompiler
from wasmjit.native.compiler.program import Program
from wasmjit.native.compiler.typed import Value
from wasmjit.native.lang import boolean, f32, f64, u32, u64

KINDS: dict[str, Any] = {"i32": u32, "i64": u64, "f32": f32, "f64": f64, "ref": u64}
IN_MEMORY: dict[str, Any] = {name: getattr(lang, name) for name in ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64")}
IDENTITIES = frozenset(
    ("0x3FF0000000000000", "0xBFF0000000000000", "0x0000000000000000", "0x8000000000000000", "1.0", "-1.0", "0.0", "-0.0")
)  # literals of either width with which arithmetic is, or may become, the identity
FLOATS = ("f32", "f64")
QUIET = ("add", "sub", "mul", "div", "sqrt", "ceil", "floor", "trunc", "nearest", "min", "max", "demote", "convert")


class Text(Protocol):
    """What lowering writes to: the text of a function."""

    lines: list[str]
    n: int  # number of the last name
    dbg: str  # what accesses that can fault end with
    folding: str  # the same for the next arithmetic on floats, whose operand was just loaded

    def trap(self, condition: str, name: str) -> None:
        """Trap when the i1 is true."""


Lowering = Callable[..., str]  # (text, *operands) -> value
_PLACES = {"a": "{1}", "b": "{2}", "m": "%m{0}", "v": "{2}"}  # {0} is the instruction's number; names that it makes end with it


class _Deriver(ExpressionCompiler):
    """Compiles conditions and meanings to straight code: nothing in them has effects, so both sides of a choice are computed."""

    def __init__(self, row: Row, kinds: dict[str, Any]) -> None:
        super().__init__(Program(), f"<meaning of {row.name}>", vars(lang))
        self.bound = {name: Value(kind, _PLACES[name]) for name, kind in kinds.items()}

    def let(self, operation: str) -> str:
        self.count += 1
        name = f"%t{self.count}.{{0}}"
        self.emit(f"{name} = {operation}")
        return name

    def truth(self, node: ast.expr) -> str:
        if isinstance(node, ast.BoolOp):
            name = "and" if isinstance(node.op, ast.And) else "or"
            first, *others = [self.truth(value) for value in node.values]
            for other in others:
                first = self.let(f"{name} i1 {first}, {other}")
            return first
        return super().truth(node)

    def ex_IfExp(self, node: ast.IfExp) -> Value:
        condition, a, b = self.truth(node.test), self.value(node.body), self.value(node.orelse)
        kind, x, y = self.unify(node, a, b)
        return Value(kind, self.let(f"select i1 {condition}, {kind.ir} {x}, {kind.ir} {y}"))

    def meaning(self, source: str, wanted: Any) -> tuple[str, str]:
        """Text and LLVM type of the meaning's value, of type `wanted` unless it is a condition."""
        node = _expression(source)
        value = self.expression(node)
        if value.kind is boolean or value.kind is wanted:
            return value.text, value.kind.ir
        return self.coerce(value, wanted, node), wanted.ir

    def taken(self) -> str:
        """The lines since the last time."""
        lines, self.lines = self.lines, []
        return "\n".join(lines)


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


class _Check:
    """A condition that traps. Whether literals make it false is known without LLVM."""

    def __init__(self, deriver: _Deriver, source: str, trap: str) -> None:
        node = _expression(source)
        self.condition, self.trap = deriver.truth(node), trap
        self.lines = deriver.taken()
        parts = node.values if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) else [node]
        self.parts = [({each.id for each in ast.walk(part) if isinstance(each, ast.Name)}, ast.unparse(part)) for part in parts]

    def never(self, literals: dict[str, Any]) -> bool:
        """Whether a part of the conjunction is false for the operands that are literals."""
        return any(names <= literals.keys() and not eval(part, {}, literals) for names, part in self.parts)


def _derive(row: Row) -> Lowering:
    """The lowering of a row of numbers: (text, *operands) -> value."""
    kinds = {name: KINDS[kind] for name, kind in zip("ab", row.params, strict=False)}
    deriver = _Deriver(row, kinds)
    checks = [_Check(deriver, *check) for check in row.checks]
    result, kind = deriver.meaning(row.meaning, KINDS[row.results[0]])
    name = row.name.partition(".")[2]
    quiet = name.startswith(QUIET) and row.results[0] in FLOATS
    lower = _filled(deriver.taken(), result, "%q" if quiet else "%v", len(kinds))
    if checks:
        return _checked(checks, lower, kinds)
    if name in ("add", "sub", "mul", "div") and quiet:
        return _hiding_literals(lower, kind)
    if name == "demote_f64":
        return lambda text, a: lower(text, a if a.startswith("%q") else _hide(text, "double", a))
    return lower


def _filled(lines: str, result: str, prefix: str, count: int) -> Lowering:
    """The lowering that only fills in."""
    if not result.startswith("%"):
        return lambda text, a: a  # the operand itself
    fill = lines.replace(result, prefix + "{0}").format

    def one(text: Text, a: str) -> str:
        text.n = n = text.n + 1
        text.lines.append(fill(n, a))
        return f"{prefix}{n}"

    def two(text: Text, a: str, b: str) -> str:
        text.n = n = text.n + 1
        text.lines.append(fill(n, a, b))
        return f"{prefix}{n}"

    return one if count == 1 else two


def _checked(checks: list[_Check], lower: Lowering, kinds: dict[str, Any]) -> Lowering:
    """The lowering with branches to traps before it."""
    rows = [(check, check.lines.format, check.condition.format, check.trap) for check in checks]
    integers = {name: kind for name, kind in kinds.items() if kind in (u32, u64)}

    def checked(text: Text, *operands: str) -> str:
        literals = {
            name: kind(int(operand)) for operand, (name, kind) in zip(operands, integers.items(), strict=False) if operand[0] != "%"
        }
        for check, lines, condition, trap in rows:
            if not literals or not check.never(literals):
                text.n = n = text.n + 1
                text.lines.append(lines(n, *operands))
                text.trap(condition(n, *operands), trap)
        return lower(text, *operands)

    return checked


def _hiding_literals(lower: Lowering, kind: str) -> Lowering:
    """Arithmetic on floats, which a literal may make the identity."""

    def arithmetic(text: Text, a: str, b: str) -> str:
        if b in IDENTITIES and a[:2] != "%q":
            b = _hide(text, kind, b)
        elif a in IDENTITIES and b[:2] != "%q":
            a = _hide(text, kind, a)
        value = lower(text, a, b)
        if text.folding:
            text.lines[-1] += text.folding
            text.folding = ""
        return value

    return arithmetic


def _canonical(row: Row, lower: Lowering) -> Lowering:
    """Arithmetic that gives no NaN but the canonical one. LLVM, to which all NaNs that arithmetic gives are one, does not see that.

    It drops the choice otherwise: behind a square root it does.
    """
    kind = KINDS[row.results[0]]
    nan = f"bitcast (i{kind.bits} {CANONICAL_NAN[row.results[0]]} to {kind.ir})"

    def canonical(text: Text, *operands: str) -> str:
        value = _hide(text, kind.ir, lower(text, *operands))
        text.n = n = text.n + 1
        text.lines.append(f"  %u{n} = fcmp uno {kind.ir} {value}, {value}\n  %q{n} = select i1 %u{n}, {kind.ir} {nan}, {kind.ir} {value}")
        return f"%q{n}"

    return canonical


def _hide(text: Text, kind: str, value: str) -> str:
    """A float of which LLVM knows nothing."""
    text.n = n = text.n + 1
    text.lines.append(f"  %v{n} = call {kind} @llvm.arithmetic.fence.{'f32' if kind == 'float' else 'f64'}({kind} {value})")
    return f"%v{n}"


def settled(text: Text, kind: str, value: str) -> str:
    """A value as a phi or a select may take it; kind: its LLVM type."""
    return _hide(text, kind, value) if value in IDENTITIES and kind in ("float", "double") else value


def as_i32(text: Text, condition: str) -> str:
    """A comparison's i1 as an i32."""
    text.n = n = text.n + 1
    text.lines.append(f"  %v{n} = zext i1 {condition} to i32")
    return f"%v{n}"


def truth(text: Text, value: str) -> str:
    """Whether an i32 is not 0, as an i1."""
    text.n = n = text.n + 1
    text.lines.append(f"  %v{n} = icmp ne i32 {value}, 0")
    return f"%v{n}"


def _derive_sealed(row: Row) -> Lowering:
    """The lowering of a load that stands where it is, whatever becomes of its value: (text, address) -> value.

    That of an i32, which is sealed in code that is to be fast, too, tells its range.
    """
    bits, result, extension = row.access[0] * 8, row.results[0], "zext" if row.access[1][0] == "u" else "sext"
    load = f"  %m{{0}} = load volatile i{bits}, ptr {{1}}, align 1{{2}}\n"
    if row.name == "i32.load":
        fill = (
            "  %w{0} = zext i32 %m{0} to i64{2}\n"
            '  %s{0} = call range(i64 0, 4294967296) i64 asm "", "=r,0"(i64 %w{0}) nounwind memory(none)\n'
            "  %v{0} = trunc nuw i64 %s{0} to i32"
        )
    else:
        fill = (
            f"  %w{{0}} = {extension} i{bits} %m{{0}} to {result}{{2}}\n"
            f'  %v{{0}} = call {result} asm "", "=r,0"({result} %w{{0}}) nounwind memory(none)'
        )

    def lower(text: Text, address: str) -> str:
        text.n = n = text.n + 1
        text.lines.append((load + fill).format(n, address, text.dbg))
        return f"%v{n}"

    return lower


def _derive_load(row: Row, volatile: str) -> Lowering:
    """The lowering of a load: (text, address) -> value."""
    kind = IN_MEMORY[row.access[1]]
    deriver = _Deriver(row, {"m": kind})
    result, ir = deriver.meaning(row.meaning, KINDS[row.results[0]])
    extension = "".join(f"{line}{{2}}\n" for line in deriver.taken().splitlines())  # one instruction with the load, and this is its site
    lines = f"  %m{{0}} = load {volatile}{kind.ir}, ptr {{1}}, align 1{{2}}\n{extension}"
    if volatile:
        lines += f"  call void (...) @llvm.fake.use({ir} {result})"
    fill = lines.rstrip().replace(result, "%v{0}").format

    def load(text: Text, address: str) -> str:
        text.n = n = text.n + 1
        text.lines.append(fill(n, address, text.dbg))
        return f"%v{n}"

    return load


def _derive_folded(row: Row) -> Lowering:
    """The lowering of a load that the next instruction, one of FOLDING, may become one with. Its name begins with "%m"."""
    kind = IN_MEMORY[row.access[1]].ir

    def load(text: Text, address: str) -> str:
        text.n = n = text.n + 1
        text.lines.append(f"  %m{n} = load volatile {kind}, ptr {address}, align 1{text.dbg}")
        text.folding = text.dbg
        return f"%m{n}"

    return load


def unfolded(text: Text, kind: str, value: str) -> None:
    """What was loaded is used again: the load stays by itself. kind: its LLVM type."""
    text.lines.append(f"  call void (...) @llvm.fake.use({kind} {value})")


def _derive_store(row: Row, volatile: str) -> Lowering:
    """The lowering of a store: (text, address, value) -> ""."""
    kind = IN_MEMORY[row.access[1]]
    deriver = _Deriver(row, {"v": KINDS[row.params[1]]})
    result, _ = deriver.meaning(row.meaning, kind)
    lines = deriver.taken()
    fill = f"{lines}\n  store {volatile}{kind.ir} {result}, ptr {{1}}, align 1{{3}}".lstrip("\n").format

    def store(text: Text, address: str, value: str) -> str:
        text.n = n = text.n + 1
        text.lines.append(fill(n, address, value, text.dbg))
        return ""

    return store


def _late(derive: Callable[..., Lowering], *arguments: Any) -> Lowering:
    """A lowering that is derived when it is first used: a unit needs few of them."""
    made: Lowering | None = None

    def lower(*operands: Any) -> str:
        nonlocal made
        if made is None:
            made = derive(*arguments)
        return made(*operands)

    return lower


_LOADS, _STORES = ([row for row in TABLE if row.kind == kind] for kind in ("load", "store"))
NUMERIC: dict[str, Lowering] = {row.name: _late(_derive, row) for row in TABLE if row.meaning and not row.access[0]}
CANONICAL = NUMERIC | {row.name: _canonical(row, NUMERIC[row.name]) for row in TABLE if row.arithmetic}  # NaNs are canonical
CONDITIONS = frozenset(row.name for row in TABLE if row.kind == "compare" or row.name == "ref.is_null")  # their lowering gives an i1
LOADS: dict[str, Lowering] = {row.name: _late(_derive_load, row, "volatile ") for row in _LOADS}
FOLDED_LOADS: dict[str, Lowering] = {row.name: _derive_folded(row) for row in _LOADS if row.access[1] in FLOATS}
FOLDING = frozenset(f"{kind}.{name}" for kind in FLOATS for name in ("add", "sub", "mul", "div"))
SEALED_LOADS: dict[str, Lowering] = {row.name: _derive_sealed(row) for row in _LOADS if row.access[0] <= 4 and row.access[1] not in FLOATS}
PLAIN_LOADS: dict[str, Lowering] = {row.name: _late(_derive_load, row, "") for row in _LOADS}
STORES: dict[str, Lowering] = {row.name: _late(_derive_store, row, "volatile ") for row in _STORES}
PLAIN_STORES: dict[str, Lowering] = {row.name: _late(_derive_store, row, "") for row in _STORES}
BUILDER = frozenset(row.name for row in TABLE if not row.meaning)  # what the builder lowers itself
