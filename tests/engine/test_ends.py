"""Processes that end, fork or are killed while something is compiled."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.engine.conftest import PROGRAM, Run, eventually
from tests.paths import EXAMPLES, ROOT

# A body that takes LLVM some 50 ms.
LARGE = """
STEP = "(local.set 2 (i32.xor (i32.add (local.get 2) (i32.mul (local.get 1) (i32.const 7))) (i32.shr_u (local.get 2) (i32.const 3))))"
LARGE = '''(module (func (export "loop") (param i32) (result i32) (local i32 i32)
   (loop $l %s
     (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0)))) (local.get 2)))''' % (STEP * 60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("compile", ["background", "processes"])
def test_ends_while_it_compiles(run: Run, compile: str) -> None:
    """At many moments: nothing is said, nothing crashes, nobody waits long."""
    text = f"""{LARGE}
exports = wasmjit.Instance(wasmjit.Module(LARGE, config=wasmjit.Config(compile={compile!r}, cache=False))).exports
exports.loop(200000)
time.sleep(float(sys.argv[2]))
print("done", flush=True)
"""
    moments = [0.012 * i for i in range(50)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda moment: run(text, str(moment)), moments):
            assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("how", ["sys.exit(3)", "os._exit(3)", "raise SystemExit(3)"])
def test_the_exit_code_is_the_programs(run: Run, how: str) -> None:
    text = f"""{LARGE}
exports = wasmjit.Instance(wasmjit.Module(LARGE, config=wasmjit.Config(compile="background", cache=False))).exports
exports.loop(200000)
while "llvmlite.binding" not in sys.modules: time.sleep(0.001)
import atexit
atexit.register(print, "last", flush=True)
{how}
"""
    done = run(text)
    assert (done.returncode, done.stderr) == (3, "") and done.stdout == ("" if "_exit" in how and "os" in how else "last\n")


def test_the_command_does_not_wait() -> None:
    command = [sys.executable, "-m", "wasmjit", "run", "--invoke", "add", str(EXAMPLES / "hello.wasm"), "2", "3"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


def test_ctrl_c_in_a_running_loop(run: Run) -> None:
    text = """
exports = make(cache=False)
heat(exports.loop, 100_000)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True: exports.loop(-1)
except KeyboardInterrupt:
    print("interrupted", exports.loop.tier)
"""
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted opt\n", "")


@pytest.mark.parametrize("before", ["nothing", "llvm", "compiling"])
@pytest.mark.parametrize("compile", ["background", "sync", "processes"])
def test_forks(run: Run, compile: str, before: str) -> None:
    """The child has no thread that compiles, and LLVM's locks may be taken: it compiles in worker processes."""
    text = f"""{LARGE}
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
exports = make(compile={compile!r}, cache=False)
other = wasmjit.Instance(wasmjit.Module(LARGE, config=wasmjit.Config(compile={compile!r}, cache=False))).exports
if {before!r} == "llvm": heat(exports.fib)
if {before!r} == "compiling" and {compile!r} != "sync":
    other.loop(20000)
    time.sleep(0.2)
faulthandler.cancel_dump_traceback_later()  # its thread is not in the child, which would wait for it
pid = os.fork()
late = make(compile={compile!r}, cache=False)
assert heat(exports.loop, 100_000) == "opt" and heat(late.fib) == "opt"
assert exports.fib(15) == late.fib(15) == 610
if pid == 0:
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
assert heat(exports.fib) == "opt"
print("done")
"""
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_short_calls_let_the_compiler_have_the_gil(run: Run) -> None:
    """They hold it all the time, and importing what compiles takes it hundreds of times: Python alone hands it over after 10 s each."""
    text = """
sys.setswitchinterval(10)
exports = make(cache=False)
while exports.fib.tier != "opt": exports.fib(10)
print(exports.fib.tier)
"""
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "opt\n", "")


def test_a_killed_worker_costs_one_function(run: Run) -> None:
    text = """
from wasmjit import _tiering
exports = make(compile="processes", cache=False)
workers = _tiering.engine().compiler.workers()
with wasmjit.trace() as t:
    while not workers._all: exports.fib(20)
    for worker in list(workers._all): os.kill(worker.pid, signal.SIGKILL)
    while not any(event.kind == "refuse" for event in t.events): exports.fib(10)
    assert heat(exports.loop, 100_000) == "opt"
assert "SIGKILL" in t.why("fib") and exports.fib(15) == 610 and exports.fib.tier == "interp"
print("done")
"""
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_workers_end_with_a_killed_process() -> None:
    text = """
from wasmjit import _tiering
exports = make(compile="processes", cache=False)
assert heat(exports.fib) == "opt"
print(*[worker.pid for worker in _tiering.engine().compiler.workers()._all], flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", PROGRAM + text], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert pids
    end = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_signals_go_to_the_program() -> None:
    """Ctrl-C on a terminal reaches the whole group: worker processes ignore it."""
    text = """
exports = make(compile="processes", cache=False)
print("ready", flush=True)
try:
    while True: exports.fib(20)
except KeyboardInterrupt:
    assert heat(exports.loop, 100_000) == "opt"
    print("done", flush=True)
"""
    command = [sys.executable, "-c", PROGRAM + text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out, err) == (0, "done\n", "")


def test_a_worker_gets_ready_when_the_first_function_is_warm(run: Run) -> None:
    text = """
from wasmjit import _tiering
exports = make(cache=False, thresholds={"window": 1 << 30})  # no request comes
assert exports.fib(5) == 5
assert _tiering._engine is None and "wasmjit.tiers.engine" not in sys.modules  # nothing is warm
end = time.monotonic() + 60
while (_tiering._engine is None or not _tiering._engine.compiler._workers or not _tiering._engine.compiler._workers._free):
    exports.fib(20)
    assert time.monotonic() < end
(worker,) = _tiering._engine.compiler._workers._free
assert exports.fib.tier == "interp" and worker.ended() is None
print(worker.pid)
"""
    done = run(text)
    assert (done.returncode, done.stderr) == (0, "")
    assert eventually(lambda: not alive(int(done.stdout)))


def test_none_gets_ready_where_the_program_compiles_itself(run: Run) -> None:
    text = """
from wasmjit import _tiering
exports = make(cache=False, compile=COMPILE)
assert heat(exports.fib) == "opt"
assert not _tiering.engine().compiler._workers
"""
    for compile in "background", "sync":
        done = run(text.replace("COMPILE", repr(compile)))
        assert (done.returncode, done.stderr) == (0, "")
