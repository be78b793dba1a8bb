"""When code is promoted, how strongly it is compiled, when that is given up: every tuning constant with its reason.

A *sample* is about 20 us of interpretation that fell on one place, a loop or a function's entry. On the run path: imports nothing.
"""

# --- a function's way to its first request

# What was interpreted for so long will be for as long again, says experience with other runtimes: 2.4 ms. A small unit takes 10 ms to
# compile, but beside the program; with 40 samples no program was faster.
WARM = 120
# Microseconds that the whole process interprets before anybody gets ready to compile. That is a thread, what it imports, and a worker
# process: 20 ms that are not the program's. What computes for less than this, and so ends within some 50 ms, would end before it had any
# code: fib(29), which takes 20 ms, took 1.4 times as long (bench brief). Samples are no measure: where they are 8 us apart, 1300 of them
# were over in 10 ms.
READY = 26_000
# Microseconds between two times at which a thread in short calls gives away the GIL while the compiler works, and for how long; the system
# adds 50 to that. fib(15) again and again, 11 us each, had no code after 2 s; now it has after 0.2, and takes a third longer until then.
YIELD_AFTER, YIELD_FOR = 200, 50
# What lies between two samples counts as so many microseconds at most: the rest was no interpretation.
SAMPLE_MOST = 100
# Samples of the profiled form, which takes 1.1 to 1.7 times as long as the fast form. In a window of 0.3 ms many inner loops were never
# left, and what follows them was compiled to exits; 1.3 ms are still little beside the compile.
WINDOW = 64
# One sample more for so many bytes of wasm: what is long, such as the loop of a guest that interprets, takes longer to show its paths.
WINDOW_BYTES = 256
# Windows in one of which a function that waits for the compiler is profiled again. CPython's deflate waits for a second, of which the first
# 1.3 ms show too little: its next run left the code 44 000 times.
REVISIT = 8
# Functions called directly that are profiled together with one, and the largest of them in bytes of wasm: what may be inlined needs a
# profile too. Larger ones are hot enough for a window of their own if they matter.
CALLEES = 16
CALLEE_BYTES = 300
# Times that one exit is taken until its unit is given up; twice as many for each unit given up before. An exit costs about 1 us with what
# follows in the interpreter, a compile 10 000 times that, but what follows may be all of an outer loop: the first time soon.
EXITS = 16
# One more for so many bytes of its code: that of CPython's evaluation loop has 100 KB and 500 exits and takes seconds to compile.
EXIT_BYTES = 256
LEFT_SAMPLE = 8  # exits, each with what follows in the interpreter, that are as much as a sample
# A stressed or deterministic run asks for what it likes; these only bound what can be written down.
LARGEST_THRESHOLD = (1 << 31) - 1

# --- what happens to a function whose units are given up

ALL_BLOCKS_AFTER = 2  # units given up: the next one is compiled without cold exits, it can only leave by a guard on call targets
ALL_BLOCKS_LARGEST = 8 << 10  # bytes of a body: what is larger is never compiled whole
NO_DEVIRT_AFTER = 3  # and then without those
REFUSE_AFTER = 8  # then it stays interpreted

# --- how strongly

# Bytes of wasm that were seen to run (all functions of a request) above which the first compile is LEVEL_MIDDLE, and LEVEL_CHEAP. Full
# optimization takes some 100 us a byte, the middle level less than half of that for code that is 1.0-1.4 times slower, the cheap a fifth
# for 1.0-1.6 times. A program with hundreds of lukewarm functions waits for the compiler, not for the code; what a kernel spends its time
# in is small, or compiled again soon. What is smaller than CHEAPEST_ABOVE is middle in 50 ms: code that much earlier gained nothing.
CHEAP_ABOVE = 300
CHEAPEST_ABOVE = 2 << 10
# Iterations of a loop, on average, below which it is not guarded: vectorized code needs some to begin and to end with.
RANGES_ROUNDS = 16
# Instructions of such a loop: it is compiled twice, and what is larger gains little from that.
RANGES_LARGEST = 400
# Ticks of the preemption timer (4 ms each) in code that was compiled cheaply after which it is compiled fully: it has run for 40 ms,
# about what that costs.
AGAIN_TICKS = 10
AGAIN_LARGEST = 24 << 10  # bytes of wasm; larger ones are compiled at LEVEL_MIDDLE, when they have run for as long as that takes
TICK = 0.004
TICK_SAMPLES = 200  # what a tick is in samples
LEVEL_CHEAP = 0
LEVEL_MIDDLE = 1
LEVEL_FULL = 2
STRONGEST = 2  # that can be asked for
# A request of this many bytes is refused: LLVM's passes are not linear, and a unit this large is mostly cold anyway.
LARGEST_REQUEST = 256 << 10
# In the process only what LLVM certainly survives: a fatal error of LLVM ends the process that it happens in.
LARGEST_INPROCESS = 32 << 10
# Samples, each of which a call or a frame that goes on in optimized code, after which a function of which only a loop was compiled gets
# its body compiled: its calls were interpreted until then.
BODY_AFTER = 16
# Calls in the window below which a function that is hot by a loop is compiled for the loop only, from there on for its calls only: each is
# as much work as the other.
CALLED = 8
TOUCHED = 256  # functions at most that go with a request because they may be inlined; which of them are is the optimizer's choice
LARGEST_ARITY = 256  # parameters or results of a function that LLVM gets to see in this process

# --- what is expected of a compile, in seconds: priorities derive from it

# Measured in CPython, beside the program: 7 ms and 100 us a byte at LEVEL_FULL (functions of 50 to 300 bytes), 35 to 40 us at LEVEL_MIDDLE
# (400 to 1600), 18 to 25 us at LEVEL_CHEAP (6 to 46 KB).
COST_FIXED = 0.007
COST_PER_BYTE = 0.0001
COST_SHARES = (0.22, 0.38, 1.0)  # by level
SAMPLE = 0.00002
# A compile that is expected to take longer waits until its function was interpreted for this share of it. Small functions come here with a
# tenth to a fifth, but keep nobody waiting. CPython's evaluation loop takes the compiler for a second in a script that spends its time
# elsewhere; what waited for it is then found too late.
LONG = 0.3
RIPE = 0.3

# --- the compiling thread and the worker processes

IDLE = 2.0  # seconds without a request after which the thread ends if nothing waits; it is started again in 0.1 ms
POLL = 0.1  # seconds between looks at what waits and at code that was compiled cheaply; up to IDLE while nothing changes
LONGEST = 20.0  # seconds of a compile in a worker before it is killed; no unit within the caps came near
WORKERS = 2  # processes at most: the program itself wants a core
WORKER_NICE = 10  # where processors are few, the program goes first: code that comes later costs it less than time that it does not get
RESENT = 16 << 20  # bytes sent to a worker after which it forgets the bodies that it got and is given all that it needs again
RESPAWNS = 4  # workers that may die in a row before no more are started: something is wrong with the machine
WORKER_MEMORY = 4 << 30  # address space; LLVM's own libraries and a unit of LARGEST_REQUEST take half a GiB
QUEUED = 4096  # requests that wait at most; the least valuable are dropped and may come again

# --- after the end of a program

# Seconds of CPU time, at idle priority, for what its functions would have been worth; wasmtime takes 40 of GCC's cc1 before it starts. With
# 30, cc1 takes 0.97 s in its second run (`main` in a script), with 60 0.87; all that CPython is worth takes 27.
FINISH = 60.0
FINISH_NICE = 19
# Seconds of interpretation that could be saved, below which that is left alone: handing it over takes some 20 ms. flite, which computes for
# 0.1 s, takes 0.06 s in its second run.
FINISH_FROM = 0.02
LUKEWARM = 2  # samples that make a function worth it: 40 us a run, and often more, against some 10 ms once
# Samples from which on it is compiled as strongly as beside the program. Of the many functions below, twice as many at LEVEL_CHEAP fit in
# the same time (300 bytes: 10 ms, 20 at LEVEL_MIDDLE), and what they run for is little in either case.
HOT = 100
# From so many bytes of wasm on, both calls and the loop of a function that was hot in a loop get code: an exit far from the end of a long
# function, such as the loop of a guest that interprets, costs too much where nothing leads back.
BOTH_ABOVE = 4 << 10
NESTED = 5  # times the cost of the body: loops around the one that is entered are peeled, and what they hold is there once more for each
LEFT = 32  # exits of a unit from which on it is compiled anew with what it was left for

# --- the code cache

# Seconds between writes of an entry, which is replaced as a whole: 6 MB take 20 ms, in part with the GIL held, and in its second run cc1 of
# GCC compiles something every 10 ms. What is not written when the program ends goes to the process that finishes.
KEEP_EVERY = 2.0
PATIENCE = 1.0  # seconds to wait for another thread that writes the same entry: in the child of a fork there is none to wait for
CACHE_LARGEST = 64 << 20  # bytes of one module's entry; more is not kept
FUNCTION_LARGEST = 8 << 20  # and of one function: the main loop of a guest that interprets has units of 1 MB, one for each of its loops
# Bytes of the list of functions that earlier runs called, 4 each, from which on a thread gets them ready: it takes 0.1 ms to start, and a
# function some 15 us. GCC's cc1 calls 6800.
PREPARED_FROM = 4 * 32
HASHED_AT_LOAD = 128 << 10  # bytes of a binary whose SHA-256 (0.5 ms at most) is computed where it is loaded; larger ones in a thread

# --- tier "opt": everything is compiled before it runs

WHOLE_MODULE = 16 << 10  # bytes of bodies: up to this a module is compiled as one unit at the first call
BATCH = 4 << 10  # bytes of a unit of `Module.compile`: LLVM gains nothing from more, and other workers want some, too


# --- inlining, in wasm instructions

INLINE_SMALL = 24  # a body of so few is hardly more than the call: arguments and results to registers, checks, the frame
INLINE_LARGE = 150  # at most where the profile says hot: beyond that the call is a few parts in a hundred, and compiling costs more
INLINE_HOT = 500  # times that a window saw the call: of some 100 000 counted blocks that is a place that matters
INLINE_BYTES = 8 * INLINE_LARGE  # of a body: one with more is not even decoded
INLINE_BYTES_SMALL = 8 * INLINE_SMALL
INLINE_DEPTH = 6  # frames one in another; a backtrace, an exit and a compile of six are still cheap
INLINE_UNIT = 1500  # inlined into one function: LLVM at full strength does some 4000 in a second
INLINE_RECURSIVE = 60  # a self-recursive function so small gets copies of itself inlined,
INLINE_RECURSION = 4  # so many one in another: fib(39), fib(40) take .59 .75, .61 .62, .50 .61, .57 .56, .55 .64 of gcc's time with 1 to 5
# A test with which a function may return, made where it is called: so many instructions in front of it, and so many behind it on the way
# to the end; and one call in so many returns so, otherwise the test is made twice for nothing. fib(43) takes 0.61 of what it took.
EARLY_TEST = 16
EARLY_REST = 8
EARLY_SHARE = 8


def level_of(nbytes: int) -> int:
    """Level of the first compile of a request with so many bytes of wasm."""
    return LEVEL_CHEAP if nbytes > CHEAPEST_ABOVE else LEVEL_MIDDLE if nbytes > CHEAP_ABOVE else LEVEL_FULL


def level_after(nbytes: int, samples: int) -> int:
    """Level of a compile after the end of a program, by what the function was interpreted for."""
    return level_of(nbytes) if samples >= HOT else LEVEL_CHEAP


def cost(nbytes: int, level: int) -> float:
    """Seconds that a compile is expected to take."""
    return COST_FIXED + COST_PER_BYTE * nbytes * COST_SHARES[level]


def again(nbytes: int) -> tuple[int, int]:
    """Level at which code that was compiled cheaply is compiled again, and ticks in it after which that is done."""
    if nbytes <= AGAIN_LARGEST:
        return LEVEL_FULL, AGAIN_TICKS
    return LEVEL_MIDDLE, int(cost(nbytes, LEVEL_MIDDLE) / TICK)


def ripe(samples: int, nbytes: int, level: int) -> bool:
    """Whether a compile may begin now: a short one always, a long one when it is deserved as much as short ones are when they begin."""
    seconds = cost(nbytes, level)
    return seconds <= LONG or samples * SAMPLE >= RIPE * seconds


def gain(samples: int, nbytes: int, level: int) -> float:
    """Priority: seconds interpreted so far, and so expected again, for a second of compiling."""
    return samples * SAMPLE / cost(nbytes, level)
