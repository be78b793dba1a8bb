"""The run-time structures, each declared once.

Restricted Python reads them as types, generated IR and the tiers by `offsetof`, tests and tools through ctypes.
All sizes are bytes, all addresses are process addresses; integers are little-endian words of the target.

Frame (the canonical frame): `sp` points at slot 0; slots are 8 bytes; parameters, then the other locals, then operands.
A call's arguments stand at the callee's slot 0, its results replace them. Control record, 16 bytes on the control stack:
{return pc, caller's sp}. A record whose pc is the word `restore_inst` holds the caller's Inst instead of an sp; the sentinel above
an activation's first one holds the frame pointer of the native code that called the interpreter.
"""

from wasmjit.native.lang import PyObject, array, i64, ptr, struct, u8, u32, u64


@struct
class Sig:
    """A function signature, interned in the process: equal signatures are one address."""

    next: ptr["Sig"]  # hash chain
    hash: u64
    refs: u64
    nparams: u32
    nresults: u32
    types: array[u8, 0]  # nparams + nresults value type bytes as encoded (0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x70, 0x6f)


@struct
class Code:
    """One function of a module (or one host function): what all its instances share."""

    entry: ptr[u8]  # slot code that a call runs; at first the shared word that translates
    native: ptr[u8]  # native entry, never 0: an optimized body, or the adapter that interprets or calls the host
    i2c: ptr[u8]  # calls the optimized body with arguments from slots; 0: interpreted
    sig: ptr[Sig]
    mod: ptr["Mod"]  # 0 for a host function
    index: u32  # function index in its module
    held: u32  # profiling windows of its callers that it is in, and HOLDING if it has put those that it calls in its own
    body: u32  # offset in the binary of the body: of its vector of locals
    end: u32  # offset just behind the body's last `end`
    slots: ptr[u8]  # slot code once translated; 0 before
    nbytes: u32  # bytes of slot code
    nframe: u32  # slots of a frame
    loops: ptr["Loop"]  # list, by place in the binary
    hot: u32  # samples that fell on this function's entry
    phase: u32  # PHASE_* of codes.py
    profiled: ptr[u8]  # slot code of the profiled form, 0: not made
    nprofiled: u32  # bytes of it
    npoints: u32
    points: ptr["Point"]  # the canonical places of the profiled form, by wasm offset
    unit: ptr["Unit"]  # where its optimized body is, 0: none  # noqa: F821 (runtime.units declares it)
    deopts: u32  # units of it that were given up
    window: u32  # samples since the phase began


@struct
class Point:
    """A canonical place of a function's profiled form."""

    wasm: u32  # offset in the binary of the instruction
    after: u32  # 1: behind it, 0: before it (calls)
    slot: u32  # offset in the profiled form
    kind: u32  # POINT_* of codes.py: what stands there
    count: u64  # how often control came here, of counted ones


@struct
class Loop:
    """One loop of a translated function: where the sampling budget expired."""

    code: ptr[Code]
    next: ptr["Loop"]  # of the same function
    wasm: u32  # offset in the binary of the loop instruction
    hot: u32  # samples
    header: u32  # offset of its header in the fast form
    profiled: u32  # and in the profiled form
    osr: ptr[u8]  # optimized code that takes over a frame at the header, 0: none
    unit: ptr["Unit"]  # where that is  # noqa: F821
    asked: ptr["Unit"]  # the function's unit when one with an OSR entry here was asked for as well  # noqa: F821


@struct
class Host:
    """What a host function runs."""

    callable: ptr[PyObject]  # borrowed: the store's Python object owns it
    flags: u32  # HOST_* of codes.py
    pad: u32
    name: ptr[PyObject]  # str for messages, owned
    code: Code


@struct
class FuncRef:
    """A function of an instance; a funcref value is the address of one, 0 is null."""

    code: ptr[Code]
    inst: ptr["Inst"]
    sig: ptr[Sig]
    host: ptr[Host]  # 0 for wasm functions


@struct
class Mem:
    """A linear memory. `base` never moves while the memory lives."""

    base: ptr[u8]
    nbytes: u64
    pages: u64  # nbytes / page size
    max_pages: u64  # declared maximum, or the largest the index type allows
    limit: u64  # bytes that may be accessible: growth beyond returns -1
    reserved: u64  # bytes of address space, guard included
    refs: u64  # Memory objects, views and instances that hold the mapping
    flags: u32  # MEM_* of codes.py
    page_shift: u32


@struct
class Table:
    elems: ptr[u64]
    size: u64
    capacity: u64  # elements allocated
    max: u64  # declared maximum, or the largest the index type allows
    limit: u64  # growth beyond returns -1
    refs: u64
    type: u32  # element reference type byte
    flags: u32  # TABLE_* of codes.py


@struct
class Cell:
    """A global's value: 16 bytes, so that a v128 fits."""

    lo: u64
    hi: u64


@struct
class GlobalBox:
    """A global that lives outside an instance: made by Python, or shared by several instances."""

    cell: Cell
    refs: u64
    type: u32
    mutable: u32


@struct
class StoreData:
    """Instances that can reach each other; one thread at a time is inside."""

    owner: ptr["Ec"]  # the thread inside; when idle 0, or NOBODY (runtime.calls_store) in a store with STORE_LIMITED
    py: ptr[PyObject]  # the Python Store, borrowed
    depth: u64  # activations of the owner in this store; in the high half STORE_SWEEP, STORE_LIMITED
    flags: u64  # STORE_* of codes.py
    boxes: u64  # handle of its first externref box, 0 none (runtime.calls_boxes)
    nboxes: u64
    box_limit: u64  # boxes at which the next idle moment sweeps
    stack: u64  # bytes of value stack, and again of native stack, that calls inside each other may use, 0: all there are
    vs_limit: ptr[u64]  # STORE_LIMITED: that of the thread inside, before it came
    code_limit: u64  # likewise
    into: ptr["StoreData"]  # the store that this one has become part of, 0: none


@struct
class Inst:
    """One instance of a module. Its own globals' cells stand behind it at GLOBALS (16 bytes each, by index of own globals)."""

    mem: ptr[u8]  # base of memory 0, or 0
    mem0: ptr[Mem]
    mod: ptr["Mod"]
    store: ptr[StoreData]
    refs: ptr[ptr[FuncRef]]  # every function by index, imported ones first
    own: ptr[FuncRef]  # the functions it defines
    mems: ptr[ptr[Mem]]
    tables: ptr[ptr[Table]]
    globals: ptr[ptr[Cell]]  # every global by index
    elem_dropped: ptr[u8]  # one byte a segment
    data_dropped: ptr[u8]
    py: ptr[PyObject]  # the Python Instance, borrowed; 0 once it is gone
    nbytes: u64  # of this allocation
    flags: u64  # INST_* of codes.py
    codes: ptr[Code]  # = mod.codes
    cells: array[Cell, 0]


@struct
class Ec:
    """Execution context: one a thread."""

    vs_top: ptr[u64]  # first free slot above the innermost frame that is out of registers
    stack_limit: u64  # native stack pointer below which nothing may be entered
    code_limit: u64  # and no function of optimized code: higher in a store with STORE_LIMITED
    cs_top: ptr[u8]  # first free control record
    act: ptr["Act"]  # innermost activation, 0 outside wasm
    inst: ptr[Inst]  # running instance
    vs_limit: ptr[u64]
    mem0: ptr[Mem]  # = inst.mem0
    budget: i64  # weight of back edges and calls between two safepoints
    interrupt: u64  # not 0: the next safepoint has work; set by other threads and signal paths
    pc: ptr[u8]  # slot pc of the innermost frame, valid at every call out of a handler and after a trap
    trap: u64  # TRAP_* of codes.py of the unwind under way
    trap_addr: u64  # TRAP_MEMORY: effective address; others 0
    trap_size: u64
    gil: u64  # GIL_* of codes.py
    tstate: ptr[u8]  # while released
    deadline: u64  # CLOCK_MONOTONIC ns at which Timeout is raised, 0 none
    next_tick: u64  # CLOCK_MONOTONIC ns of the next full safepoint
    next_signals: u64  # before that the GIL is not asked for only to see whether there are signals
    native_lo: u64  # lowest address of this thread's stack
    let_through: u64  # CLOCK_MONOTONIC ns: until then its ticks keep no signal off (runtime.preempt)
    vs_base: ptr[u64]
    cs_base: ptr[u8]
    vs_bytes: u64
    cs_bytes: u64
    frames: ptr[u64]  # backtrace of the last trap: see runtime.frames
    nframes: u64
    fuel: i64
    link: ptr["Ec"]  # list of all contexts
    thread: u64
    rt: ptr[ptr[u8]]  # what optimized code calls: runtime.natives
    callee: ptr[FuncRef]  # function that optimized code calls through Code.native
    native_pc: u64  # innermost optimized frame, valid while pc == 1: an address in its call or access,
    native_fp: u64  # and its frame pointer
    osr: ptr[u8]  # OSR entry that the frame at hand goes on in
    ticking: u64  # the preemption timer is armed
    timer: u64  # its POSIX timer, + 1
    in_host: u64  # the activation whose innermost function is Python, in which nothing is preempted; 0 none
    noise: u64  # of a linear congruential generator: budgets differ a little, and are the same in each run
    stress: i64  # guards until the next forced exit (Config(stress=...))
    missed: u64  # a tick came elsewhere than in optimized code: what that called will see to it
    ticket: u64  # with it other threads end what this one runs (runtime.ending); 0: they cannot
    ended: u64  # the ticket that was used up: what this thread runs ends if it is its own
    wake: u64  # descriptor that wakes what waits on the host then, + 1; 0 none


@struct
class Act:
    """An activation: one entry from Python, on the native stack of the entry trampoline. What every unwind restores."""

    rsp: u64
    prev: ptr["Act"]
    ec: ptr[Ec]
    vs_top: ptr[u64]
    cs_top: ptr[u8]
    inst: ptr[Inst]
    mem0: ptr[Mem]
    pc: ptr[u8]
    native_pc: u64
    native_fp: u64
    cs_entry: ptr[u8]  # control stack where this activation's sentinel stands
    store: ptr[StoreData]


@struct
class Import:
    module: u32  # offset in the binary of the name's bytes
    module_len: u32
    name: u32
    name_len: u32
    kind: u32  # 0 func, 1 table, 2 memory, 3 global, 4 tag
    index: u32  # in its index space


@struct
class Export:
    name: u32
    name_len: u32
    kind: u32
    index: u32


@struct
class Limits:
    min: u64
    max: u64
    flags: u32  # as encoded: 1 has max, 2 shared, 4 64-bit, 8 custom page size
    page_shift: u32


@struct
class TableDecl:
    limits: Limits
    type: u32
    init: u32  # offset of its init expression, 0: null


@struct
class GlobalDecl:
    type: u32  # value type byte
    mutable: u32
    init: u32  # offset of the init expression, 0 for imported ones
    own: u32  # index among the module's own globals, for defined ones


@struct
class Elem:
    mode: u32  # 0 active, 1 passive, 2 declarative
    table: u32
    type: u32
    count: u32
    offset: u32  # offset of the offset expression
    items: u32  # offset of the first item
    exprs: u32  # 1: items are expressions, 0: function indices
    end: u32


@struct
class Data:
    mode: u32  # 0 active, 1 passive
    memory: u32
    offset: u32  # offset of the offset expression
    bytes: u32
    nbytes: u32
    pad: u32


@struct
class Custom:
    name: u32
    name_len: u32
    bytes: u32
    nbytes: u32


@struct
class Mod:
    """A decoded and validated module: read-only afterwards but for the state of `codes`."""

    bytes: ptr[u8]
    nbytes: u64
    types: ptr[ptr[Sig]]
    codes: ptr[Code]  # every function by index; imported ones have only sig, mod, index
    imports: ptr[Import]
    exports: ptr[Export]
    tables: ptr[TableDecl]
    mems: ptr[Limits]
    globals: ptr[GlobalDecl]
    elems: ptr[Elem]
    datas: ptr[Data]
    customs: ptr[Custom]
    ntypes: u32
    ncodes: u32
    nimports: u32
    nexports: u32
    ntables: u32
    nmems: u32
    nglobals: u32
    nelems: u32
    ndatas: u32
    ncustoms: u32
    nimport_funcs: u32
    nimport_tables: u32
    nimport_mems: u32
    nimport_globals: u32
    start: u32  # function index, 0xffffffff none
    features: u32  # bit mask of isa.features that the module uses
    name_section: u32  # offset of the payload of the "name" section, 0 none
    name_section_len: u32
    flags: u32  # MOD_* of codes.py
    error: u32  # CompileError: 0 none, else an ERR_* of binary/errors.py
    error_at: u64  # offset
    error_arg: array[u64, 4]
    allocs: ptr["Chunk"]  # everything malloced for it
    slots: ptr["SlotChunk"]  # its slot code, the chunk being filled first  # noqa: F821 (the interpreter declares it)
    names: ptr[u32]  # by function: offset of its name in the name section, 0 none; made when first asked for
    units: ptr["Unit"]  # its optimized code  # noqa: F821
    warm: u32  # samples at which a function gets its profiling window, 0: never
    window: u32  # samples of that window
    exits: u32  # exits of a unit after which it is given up,
    exit_bytes: u32  # one more for so many bytes of its code; 0: for none
    exit_sample: u32  # exits that count as a sample, 0: they do not
    calling: u32  # 1: requests wait or are likely to come; somebody is to take them out once the process has
    ready: u32  # interpreted for so many microseconds
    kept: ptr["KeptFile"]  # units of earlier runs  # noqa: F821 (runtime.kept declares it)
    waiting: ptr[ptr["KeptRow"]]  # those not installed yet, by function; 0: there are none  # noqa: F821


@struct
class Chunk:
    """A block of memory owned by a module, freed with it."""

    next: ptr["Chunk"]
    nbytes: u64
    used: u64
    data: array[u8, 0]
