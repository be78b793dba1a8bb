"""The native convention as IR text: how parameters travel, the metadata of units written by hand."""

Frame = tuple[int, int]  # (function, offset in the binary)
Signature = tuple[str, str]  # letters of parameters and of results

RESULT = "{i64, <2 x double>}"
INTEGERS, FLOATS = 4, 8
WORDS = [f"i64 %i{k}" for k in range(INTEGERS)]
LANES = [f"<2 x double> %d{k}" for k in range(FLOATS)]
PARAMETERS = ", ".join(["ptr %ec", "ptr %inst", *WORDS, *LANES])
NOTHING = ["i64 poison"] * INTEGERS + ["<2 x double> poison"] * FLOATS
GARBAGE = 0x5A5A5A5A00000000
ATTRIBUTES = 'nounwind noinline "frame-pointer"="all" "no-builtins"'
METADATA = """
!0 = !{}
!1 = !DIFile(filename: "wasm", directory: "")
!2 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, isOptimized: true, emissionKind: LineTablesOnly)
!3 = !DISubroutineType(types: !0)
!4 = !{i32 2, !"Debug Info Version", i32 3}
!5 = !{i32 7, !"Dwarf Version", i32 5}
!llvm.dbg.cu = !{!2}
!llvm.module.flags = !{!4, !5}
declare i64 @llvm.fshl.i64(i64, i64, i64)
"""


def places(params: str) -> list[tuple[str, int]]:
    """Where parameters travel: ("i", register), ("d", register), ("s", slot)."""
    found, integers, floats = [], 0, 0
    for k, kind in enumerate(params):
        if kind in "iIR":
            found.append(("i", integers) if integers < INTEGERS else ("s", k))
            integers += 1
        else:
            found.append(("d", floats) if floats < FLOATS else ("s", k))
            floats += 1
    return found
