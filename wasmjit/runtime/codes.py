"""Small numbers shared by native code and Python. No imports: this is on the run path."""

TRAP_NONE = 0
TRAP_UNREACHABLE = 1
TRAP_MEMORY = 2
TRAP_TABLE = 3
TRAP_DIVIDE = 4
TRAP_OVERFLOW = 5
TRAP_CONVERSION = 6
TRAP_INDIRECT_NULL = 7
TRAP_SIGNATURE = 8
TRAP_NULL = 9
TRAP_STACK = 10
TRAP_OUT_OF_MEMORY = 11
TRAP_FUEL = 12
TRAP_TIMEOUT = 13
TRAP_PYTHON = 14  # a Python exception is set: it passes unchanged
TRAP_COMPILE = 15  # the function cannot be translated
TRAP_UNALIGNED = 16
TRAP_CAST = 17
TRAP_ARRAY = 18
TRAP_UNDEFINED = 19  # call_indirect beyond the end of its table
TRAP_TERMINATED = 20  # another thread ended the call

GIL_HELD = 0
GIL_RELEASED = 1

HOST_RAW = 1  # called as callable(inst, sp): addresses; reads and writes the slots itself
HOST_PASS_INSTANCE = 2  # the caller's Instance is the first argument

STORE_ERROR = 1  # a thread that finds another one inside raises instead of waiting: Config(concurrent="error")
STORE_SWEEP = 1 << 32  # in StoreData.depth: externref boxes wait for a sweep
STORE_LIMITED = 1 << 33  # in StoreData.depth: Limits(stack=...)

# value types as encoded in the binary format (spec 5.3)
VALUE_TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B, "funcref": 0x70, "externref": 0x6F}

# Python callables that native code calls: see runtime/calls_hooks.py for their arguments
HOOK_TRAP = 0
HOOK_CALL_OPTIONS = 1
HOOK_STORE_JOIN = 2
HOOK_INSTANCE = 3
HOOK_FUNCREF = 4
HOOK_PROMOTE = 5
HOOK_COMPILE = 6
HOOKS = 8

# phases of a function on its way to optimized code
PHASE_COLD = 0
PHASE_PROFILING = 1  # new calls run the profiled form
PHASE_REQUESTED = 2  # a compile was asked for
PHASE_COMPILED = 3
PHASE_REFUSED = 4  # stays interpreted
HOLDING = 1 << 31

# what stands at a canonical place of the profiled form
POINT_PLAIN = 0
POINT_COUNTED = 1  # an instruction that counts
POINT_TARGETS = 2  # an instruction that notes the target of the indirect call behind it

MEM_GUARD = 1  # in the reserved arena: unchecked accesses trap by SIGSEGV
MEM_SHARED = 2
MEM_64 = 4
MEM_MAX = 8  # its type declares a maximum

FRAMES_INNER = 64  # of a deep stack as many frames are captured at either end
FRAMES_OUTER = 64
FRAME_OPTIMIZED = 1  # flags beside the address of a Code in a captured backtrace: see runtime/frames.py
FRAME_INLINED = 2
FRAME_PROFILED = 4
FRAME_FLAGS = 7

TABLE_MAX = 1  # its type declares a maximum

INST_CLOSED = 1  # its functions raise, its memories are gone

MOD_CHECKED = 1  # accesses compare with the memory's length: Config(memory="checked")
MOD_FUEL = 2
MOD_TIERED = 4  # hot functions are promoted
MOD_OPT = 8  # every function is compiled before it runs
MOD_SYNC = 16  # promotion compiles in the running thread
MOD_STRESS = 32  # every back edge is a safepoint
MOD_CANONICAL = 64  # arithmetic gives no NaN but the canonical one: Config(deterministic=True)

# wasm pages and address space
PAGE = 65536
GUARD_OFFSETS = 64 << 20  # static offsets below this are covered by the guard; larger ones are checked
RESERVATION = (4 << 30) + GUARD_OFFSETS + PAGE  # address space of one guarded 32-bit memory

# events of native code: Record.kind of runtime.tracering, and what its a and b are
TRACE_ENTER = 1  # optimized code is called for the first time since it was installed
TRACE_OSR_ENTER = 2  # optimized code takes over a frame; a: offset of the loop in the binary
TRACE_OSR_EXIT = 3  # and hands it back by an exit; a: Unit, b: number of the exit
TRACE_DEOPT = 4  # a called body leaves by an exit; a: Unit, b: number of the exit
TRACE_WARM = 5  # a function gets its profiling window; a: samples, b: threshold
TRACE_REQUEST = 6  # a compile is asked for; a: offset of the loop or 0, b: samples
TRACE_RETIRE = 7  # optimized code is given up; a: Unit, b: its exits so far
TRACE_KEPT = 8  # a unit that an earlier run left is installed; a: Unit, b: bytes of its packed form
