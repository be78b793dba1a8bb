"""IR text: of a unit, of a function. Everything is a line of text; whoever emits it keeps SSA form.

A value is its text: a name, or a literal. A name that begins with "%q" is a float that arithmetic made: it is no signalling NaN
(see lower.py). Sites number the places of a unit that can call, trap or fault: each is a chain of (function, wasm offset), the innermost
inlined frame first. A number is what `!dbg` carries as its line; 0 stands for code without a frame.
"""

from wasmjit.native.lang import offsetof
from wasmjit.runtime import codes
from wasmjit.runtime.structs import Ec

Frames = tuple[tuple[int, int], ...]  # (function index, wasm offset), innermost first

TRAPS = {
    "unreachable": codes.TRAP_UNREACHABLE,
    "divide": codes.TRAP_DIVIDE,
    "overflow": codes.TRAP_OVERFLOW,
    "conversion": codes.TRAP_CONVERSION,
    "table": codes.TRAP_TABLE,
    "undefined": codes.TRAP_UNDEFINED,
    "null": codes.TRAP_INDIRECT_NULL,
    "signature": codes.TRAP_SIGNATURE,
    "stack": codes.TRAP_STACK,
    "memory": codes.TRAP_MEMORY,
}
UNLIKELY, LIKELY, INVARIANT = ", !prof !0", ", !prof !1", ", !invariant.load !2"  # UNLIKELY: the first target
ROLLED = ", !llvm.loop !8"  # what a branch back to a loop's header ends with where the loop is not to be unrolled
_METADATA = """\
!0 = !{!"branch_weights", i32 1, i32 1048576}
!1 = !{!"branch_weights", i32 1048576, i32 1}
!2 = !{}
!3 = !DIFile(filename: "wasm", directory: "")
!4 = distinct !DICompileUnit(language: DW_LANG_C, file: !3, isOptimized: true, emissionKind: LineTablesOnly)
!5 = !DISubroutineType(types: !2)
!6 = !{i32 2, !"Debug Info Version", i32 3}
!7 = !{i32 7, !"Dwarf Version", i32 5}
!8 = distinct !{!8, !9}
!9 = !{!"llvm.loop.unroll.disable"}
!llvm.dbg.cu = !{!4}
!llvm.module.flags = !{!6, !7}
"""
_FIRST = 10  # metadata number of the first function's scope


class UnitText:
    """The module that LLVM gets. `sites[number - 1]` are the frames of a site."""

    def __init__(self) -> None:
        self.sites: list[Frames] = []
        self.functions: list[FunctionText] = []
        self._numbers: dict[Frames, int] = {}
        self._twins: dict[int, int] = {}
        self._declarations: dict[str, None] = {}

    def site(self, frames: Frames) -> int:
        """Number of a place, 1 or more; equal places have one."""
        number = self._numbers.get(frames)
        if number is None:
            self.sites.append(frames)
            number = self._numbers[frames] = len(self.sites)
        return number

    def twin(self, site: int) -> int:
        """Another number of a site's place, the same each time: for code that must not pass for that of the site itself."""
        number = self._twins.get(site)
        if number is None:
            self.sites.append(self.sites[site - 1])
            number = self._twins[site] = len(self.sites)
        return number

    def declare(self, line: str) -> None:
        """A line of module level: a declaration, a constant. Equal lines go in once."""
        self._declarations[line] = None

    def function(self, head: str) -> "FunctionText":
        """A new function; head: all of its first line before the brace, from "define" on."""
        function = FunctionText(self, head, _FIRST + len(self.functions))
        self.functions.append(function)
        return function

    def text(self) -> str:
        parts = [*self._declarations, _METADATA]
        for function in self.functions:
            parts.append(function.text())
            parts.append(
                f'!{function.scope} = distinct !DISubprogram(name: "f", file: !3, line: 0, type: !5, unit: !4, spFlags: DISPFlagDefinition)'
            )
        return "\n".join(parts)


class FunctionText:
    """Lines of one function. The block at hand is `block`; `dbg` is what instructions that can call or fault carry at their end.

    folding: the same for the next arithmetic on floats, "" for nothing (lower.FOLDED_LOADS).
    """

    __slots__ = ("unit", "head", "scope", "lines", "n", "block", "dbg", "folding", "site", "_cold", "_traps", "_dbgs")

    def __init__(self, unit: UnitText, head: str, scope: int) -> None:
        self.unit, self.head, self.scope = unit, head, scope
        self.lines: list[str] = ["entry:"]
        self.n = 0
        self.block = "entry"
        self.site = 0
        self.folding = ""
        self.dbg = f", !dbg !DILocation(line: 0, scope: !{scope})"
        self._cold: list[str] = []
        self._traps: dict[tuple[str, int], str] = {}
        self._dbgs: dict[int, str] = {0: self.dbg}

    def let(self, operation: str) -> str:
        """A fresh name for the operation's result."""
        self.n = n = self.n + 1
        name = f"%v{n}"
        self.lines.append(f"  {name} = {operation}")
        return name

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def label(self, hint: str) -> str:
        """A fresh label, not placed yet, without the percent sign."""
        self.n = n = self.n + 1
        return f"{hint}{n}"

    def place(self, label: str) -> None:
        """Begin the block of that name; the one before must have ended."""
        self.lines.append(label + ":")
        self.block = label

    def at(self, site: int) -> None:
        """What is emitted from here on belongs to the site; 0: to no frame."""
        self.site = site
        dbg = self._dbgs.get(site)
        if dbg is None:
            dbg = self._dbgs[site] = f", !dbg !DILocation(line: {site}, scope: !{self.scope})"
        self.dbg = dbg

    def here(self, frames: Frames) -> None:
        """`at` the site of these frames."""
        self.at(self.unit.site(frames))

    def trap(self, condition: str, name: str) -> None:
        """Trap when the i1 is true: a branch to a cold block, which the traps of that name at one site share."""
        fine = self.label("b")
        self.lines.append(f"  br i1 {condition}, label %{self.trap_block(name)}, label %{fine}{UNLIKELY}")
        self.place(fine)

    def trap_block(self, name: str) -> str:
        """Label of the cold block that traps at the current site."""
        key = name, self.site
        label = self._traps.get(key)
        if label is None:
            label = self._traps[key] = self.label("trap")
            held, self.lines = self.lines, self._cold
            self.lines.append(label + ":")
            self.runtime("void", "op_trap", f"i64 {TRAPS[name]}", attributes="noreturn cold")
            self.lines.append("  unreachable")
            self.lines = held
        return label

    def runtime(self, result: str, name: str, arguments: str = "", attributes: str = "") -> str:
        """Call an entry of the runtime (wasmjit.runtime.natives); %ec is passed first. The result's name, "" for void."""
        from wasmjit.runtime.natives import index

        table = self.let(f"load ptr, ptr {self.pointer('%ec', offsetof(Ec, 'rt'))}{INVARIANT}")
        function = self.let(f"load ptr, ptr {self.pointer(table, 8 * index(name))}{INVARIANT}")
        passed = f"ptr %ec, {arguments}" if arguments else "ptr %ec"
        call = f"call {result} {function}({passed}) nomerge nounwind {attributes}{self.dbg}"
        if result == "void":
            self.emit(call)
            return ""
        return self.let(call)

    def pointer(self, base: str, offset: int) -> str:
        """Address so many bytes behind a pointer."""
        return self.let(f"getelementptr i8, ptr {base}, i64 {offset}") if offset else base

    def text(self) -> str:
        """The whole definition."""
        return "\n".join([f"{self.head} !dbg !{self.scope} {{", *self.lines, *self._cold, "}"])
