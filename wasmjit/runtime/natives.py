"""What optimized code calls: the table at `ec.rt`, by index of ENTRIES. Build time only.

An entry is a thunk (runtime.platform): it notes the place of the call and the frame pointer in the context, sets ec.pc to
NATIVE of runtime.frames, and goes to the C function. So a call site carries nothing but its line. A tick of the preemption timer
that falls into the C function is made up for when that returns (`preempt_late`).
"""

from wasmjit.runtime.platform import assembly, chosen

# entry: the C function; its first argument is the context
TARGETS = {
    "op_trap": "trap",
    "op_trap_memory": "trap_memory",
    "mem_grow_at": "mem_grow_at",
    "mem_fill": "mem_fill",
    "mem_copy": "mem_copy",
    "mem_init": "mem_init",
    "data_drop": "data_drop",
    "tab_grow": "tab_grow",
    "tab_fill": "tab_fill",
    "tab_copy": "tab_copy",
    "tab_init": "tab_init",
    "elem_drop": "elem_drop",
}
FINAL = ("op_trap", "op_trap_memory")  # do not return
PLAIN = ("land_called",)  # entered as it is: it notes nothing
ENTRIES = (*TARGETS, *PLAIN)


def index(name: str) -> int:
    """Place of an entry in the table. ValueError: there is none of this name."""
    return ENTRIES.index(name)


def ir() -> str:
    """IR text of the table, `native_table`, and its thunks."""
    symbols = [f"native.{name}" if name in TARGETS else name for name in ENTRIES]
    thunks = "".join(chosen.thunk(f"native.{name}", target, name not in FINAL) for name, target in TARGETS.items())
    declared = "".join(f"declare hidden void @{symbol}()\n" for symbol in symbols)
    words = ", ".join(f"ptr @{symbol}" for symbol in symbols)
    return f"{declared}@native_table = hidden global [{len(symbols)} x ptr] [{words}]\n{assembly(thunks)}"
