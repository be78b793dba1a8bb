"""Threads, signals, forks and the end of the interpreter, each in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

SETUP = """
import faulthandler, os, signal, sys, threading, time
faulthandler.dump_traceback_later(60, exit=True)
import wasmjit
TEXT = '''(module (import "m" "f" (func $f (param i32) (result i32)))
  (func (export "fib") (param i32) (result i32) (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call 1 (i32.sub (local.get 0) (i32.const 1))) (call 1 (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "loop") (loop $l (br $l)))
  (func (export "calls") (loop $l (drop (call $f (i32.const 1))) (br $l)))
  (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "trap") (unreachable)))'''
module = wasmjit.Module(TEXT)
def make(f=lambda x: x, **options):
    return wasmjit.Instance(module, {"m": {"f": f}}, **options).exports
def busy():
    while True: pass
"""


def run(text: str, *flags: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *flags, "-c", SETUP + text]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, env={**os.environ, **(env or {})})


def check(text: str, *flags: str, out: str = "done\n", err: str = "", code: int = 0, env: dict[str, str] | None = None) -> None:
    done = run(text, *flags, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


ALL = {
    "threads in one instance": """
e = make()
found = []
def work():
    for _ in range(200): found.append(e.fib(10))
    for _ in range(20):
        try: e.trap()
        except wasmjit.Unreachable: found.append(55)
ts = [threading.Thread(target=work) for _ in range(8)]
for t in ts: t.start()
for t in ts: t.join()
assert found == [55] * 8 * 220
""",
    "threads in instances of their own": """
found = []
def work():
    for _ in range(30):
        e = make()
        found.append(e.fib(10) + e.call(5))
ts = [threading.Thread(target=work) for _ in range(8)]
for t in ts: t.start()
for t in ts: t.join()
assert found == [60] * 240
""",
    "two threads translate one module": """
many = "".join(f'(func (export "f{i}") (param i32) (result i32) (i32.add (call $g{i} (local.get 0)) (i32.const {i})))'
               f'(func $g{i} (param i32) (result i32) (local.get 0))' for i in range(300))
for _ in range(3):
    shared = wasmjit.Module(f"(module {many})")
    barrier = threading.Barrier(4)
    errors = []
    def work():
        e = wasmjit.Instance(shared).exports
        barrier.wait()
        for i in range(300):
            if e[f"f{i}"](7) != 7 + i: errors.append(i)
    ts = [threading.Thread(target=work) for _ in range(4)]
    for t in ts: t.start()
    for t in ts: t.join()
    assert not errors
""",
    "threads end while their instances live": """
kept = []
def work():
    e = make(lambda x: x + 1)
    kept.append(e)
    assert e.call(1) == 2
for _ in range(50):
    t = threading.Thread(target=work); t.start(); t.join()
assert [e.call(3) for e in kept] == [4] * 50
""",
    "fork of a process that is inside": """
def inside(x):
    pid = os.fork()
    if pid == 0:
        ok = e.fib(10) == 55 and make().fib(10) == 55
        try: e.loop(timeout=0.05); ok = False
        except wasmjit.Timeout: pass
        os._exit(7 if ok else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
e = make(inside)
assert e.call(1) == 7
""",
    "fork while other threads are inside": """
others = [make() for _ in range(3)]
for o in others: threading.Thread(target=o.loop, daemon=True).start()
e = make()
def churn():
    while True: wasmjit.Instance(wasmjit.Module(TEXT), {"m": {"f": abs}}).exports.fib(2)
threading.Thread(target=churn, daemon=True).start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(7 if e.fib(10) == 55 and make().fib(8) == 21 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print("done", flush=True)
os._exit(0)
""",
    "daemon threads at the end": """
for f in ("loop", "calls", "loop"):
    threading.Thread(target=make()[f], daemon=True).start()
time.sleep(0.1)
kept = make()
""",
    "instances and modules alive at the end": """
class Late:
    def __init__(self): self.e = make(lambda x: x * 2)
    def __del__(self): print("late", self.e.call(21), flush=True)
sys.modules["late"] = Late()
builtins = __import__("builtins"); builtins.late = Late()
""",
    "cycles through host functions": """
import gc, weakref
class Owner:
    def __init__(self): self.e = make(self.f)
    def f(self, x): return self.n + x
gone = []
for n in range(200):
    o = Owner(); o.n = n; assert o.e.call(1) == n + 1; weakref.finalize(o, gone.append, n); o.me = o
del o
gc.collect()
assert len(gone) == 200
""",
    "exceptions in __del__ of arguments": """
class Bad:
    def __del__(self): e.fib(5); raise ValueError
sys.unraisablehook = lambda u: seen.append(u.exc_type)
seen = []
def f(x):
    Bad()
    return x
e = make(f)
assert e.call(4) == 4 and seen == [ValueError]
""",
    "signal handlers that call wasm": """
def handler(number, frame):
    hits.append(e.fib(10))
    if len(hits) == 5:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyError("enough")
hits = []
e = make()
signal.signal(signal.SIGALRM, handler)
for f in (e.loop, e.calls):
    hits.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try: f(timeout=20)
    except KeyError: pass
    assert hits == [55] * 5
""",
    "other signals beside busy threads": """
threading.Thread(target=busy, daemon=True).start()
at = []
signal.signal(signal.SIGALRM, lambda *a: at.append(time.monotonic()))
e = make()
try: e.loop(timeout=0.3)
except wasmjit.Timeout: pass
sent = time.monotonic() + 0.3
signal.setitimer(signal.ITIMER_REAL, 0.3)
try: e.loop(timeout=2)
except wasmjit.Timeout: pass
assert at and at[0] - sent < 0.5, at
print("done", flush=True)
os._exit(0)
""",
    "python and wasm inside each other": """
def f(n):
    return 0 if n == 0 else e.call(n - 1) + 1
e = make(f)
assert e.call(200) == 200
sys.setrecursionlimit(10**6)
try: e.call(10**6)
except RecursionError: pass
assert e.call(200) == 200
""",
    "generators inside wasm": """
def gen():
    while True: yield e.fib(10)
g = gen()
e = make(lambda x: next(g))
assert [e.call(1) for _ in range(5)] == [55] * 5
def other():
    yield e.call(1)
assert list(other()) == [55]
""",
    "timeout inside a host function": """
def f(x):
    try: e.loop(timeout=0.05)
    except wasmjit.Timeout as error: seen.append(error)
    return x
seen = []
e = make(f)
assert e.call(3, timeout=5) == 3 and len(seen) == 1
def f2(x):
    time.sleep(0.1)
    return x
e2 = make(f2)
try: e2.calls(timeout=0.15)
except wasmjit.Timeout: seen.append(2)
begin = time.monotonic()
try: e.calls(timeout=0.12)       # the outer one is the earlier of the two in the last round
except wasmjit.Timeout: seen.append(3)
assert time.monotonic() - begin < 5 and seen[-1] == 3
""",
    "ctrl-c inside a host function": """
def f(x):
    signal.raise_signal(signal.SIGINT)
    return x
e = make(f)
for _ in range(3):
    try: e.call(3)
    except KeyboardInterrupt: pass
    else: raise AssertionError
def g(x):
    try: e2.loop()
    except KeyboardInterrupt: return 9
e2 = make(g)
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
assert e2.call(1) == 9
""",
    "the store is left after every way out": """
def f(x):
    if x == 1: raise KeyError
    if x == 2: raise SystemExit
    if x == 3: e.trap()
    return "no number" if x == 4 else x
e = make(f)
for x, kind in ((1, KeyError), (2, SystemExit), (3, wasmjit.Trap), (4, TypeError)):
    try: e.call(x)
    except kind: pass
    else: raise AssertionError(x)
t = threading.Thread(target=lambda: print("free", e.fib(5)))
t.start(); t.join(5)
assert not t.is_alive()
""",
}
OWN_WAY = {
    "fork while other threads are inside": "",
    "other signals beside busy threads": "",
    "instances and modules alive at the end": "print('done')",
    "the store is left after every way out": "print('done')",
}
OUTPUT = {"instances and modules alive at the end": "done\nlate 42\nlate 42\n", "the store is left after every way out": "free 5\ndone\n"}


@pytest.mark.parametrize("name", ALL)
def test_in_a_process(name: str) -> None:
    check(ALL[name] + OWN_WAY.get(name, "print('done')"), out=OUTPUT.get(name, "done\n"))


@pytest.mark.parametrize("mode", [("-X", "dev"), ("-O",), ("-OO",), ("-I",), ("debug",)], ids="".join)
def test_modes_of_the_interpreter(mode: tuple[str, ...]) -> None:
    names: tuple[str, ...] = ("threads in one instance", "cycles through host functions", "the store is left after every way out")
    names += ("signal handlers that call wasm", "python and wasm inside each other")
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    text = "".join(ALL[name] for name in names) + "print('done')"
    env = {"PYTHONMALLOC": "debug"} if mode == ("debug",) else {}
    flags = () if mode == ("debug",) else mode
    command = [sys.executable, *flags, "-c", path + SETUP + text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, env={**os.environ, **env})
    assert (done.returncode, done.stdout) == (0, "free 5\ndone\n"), done.stderr
    assert done.stderr == ""


def test_interpreters_that_are_not_supported() -> None:
    """A sub-interpreter, and a build without the global interpreter lock, which the flags stand for."""
    inside = "try: wasmjit.Module(b'')\nexcept ImportError as error: print(error, flush=True)"
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import wasmjit\n{inside}"
    text = f"import _testcapi; _testcapi.run_in_subinterp({script!r})"
    pytest.importorskip("_testcapi")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT)
    assert "main interpreter only" in done.stdout + done.stderr and done.returncode == 0, done
    free = f"import sys; sys.abiflags = 't'; import wasmjit\n{inside}"
    done = subprocess.run([sys.executable, "-c", free], capture_output=True, text=True, cwd=ROOT)
    assert "free-threaded" in done.stdout, done


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="CPython 3.13 does not tell without the GIL whether Ctrl-C was pressed")
def test_the_main_thread_seldom_waits_for_the_gil() -> None:
    check("""
import resource
def waits(e, seconds):
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    try: e.loop(timeout=seconds)
    except wasmjit.Timeout: pass
    return (resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before) / seconds
threading.Thread(target=busy, daemon=True).start()
e = make()
rate = min(waits(e, 0.5) for _ in range(3))
assert rate < 60, rate
print("done", flush=True)
os._exit(0)
""")  # fmt: skip
