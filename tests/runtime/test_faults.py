"""The fault handler: what is a trap, what is not, and getting along with everyone else who handles SIGSEGV."""

import signal
import threading
from typing import Any

import pytest

RETURN, LOAD, HOST, WILD = 0, 1, 4, 6
MEMORY = "native.set_memory(0, native.memory_new(1, 10, 1 << 32, 1))\n"
TRAPS = "assert native.run(1, 1 << 20, 0) == -2 and native.trap_word(1) == 1 << 20\n"
DONE = "print('done', flush=True)\n"
WASMTIME = (
    "import wasmtime\n"
    "def other():\n"
    "    store = wasmtime.Store()\n"
    "    module = wasmtime.Module(store.engine, '(module (memory 1) (func (export \"f\") (result i32) i32.const 100000 i32.load))')\n"
    "    return lambda f=wasmtime.Instance(store, module, []).exports(store)['f']: f(store)\n"
    "def check_other(f):\n"
    "    try: f()\n"
    "    except wasmtime.WasmtimeError as error: assert 'out of bounds' in str(error), error\n"
    "    except wasmtime.Trap as error: assert 'out of bounds' in str(error), error\n"
    "    else: raise AssertionError\n"
)


def test_faults_are_traps_with_an_address(native: Any, memory: Any) -> None:
    assert native.run(LOAD, 65532, 0) == 0
    for index, first in ((65533, 65536), (65536, 65536), (70000, 70000), ((1 << 32) + (63 << 20), (1 << 32) + (63 << 20))):
        assert native.run(LOAD, index, 0) == -2
        assert native.trap_word(1) == first
        assert len(native.frames()) == 16
    assert native.memory_grow(memory, 1) == 1
    assert native.run(LOAD, 65533, 0) == 0
    assert native.run(LOAD, 131072, 0) == -2


def test_in_threads(native: Any, memory: Any) -> None:
    counts = []

    def work() -> None:
        counts.append(sum(native.run(LOAD, 1 << 20, 0) == -2 for _ in range(2500)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [2500] * 4


@pytest.mark.parametrize("when", ["never", "before", "after", "before and after", "twice after"])
def test_faulthandler(script: Any, when: str) -> None:
    """Enabled before us, or after us and asserted again: traps are traps, and crashes still show a traceback."""
    enable = "import faulthandler; faulthandler.enable()\n"
    late = (enable + "native.fault_assert()\n") * ("twice" in when) + (enable + "assert native.fault_assert()\n") * ("after" in when)
    text = MEMORY + TRAPS + late + TRAPS + "native.fault_assert()\n" + TRAPS + DONE
    result = script(text, enable if "before" in when else "")
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")
    result = script(text + "import ctypes; ctypes.string_at(8)\n", enable if "before" in when else "")
    assert result.returncode == -signal.SIGSEGV
    assert ("Segmentation fault" in result.stderr) is (when != "never")


@pytest.mark.parametrize("thread", [False, True])
def test_faulthandler_enabled_late(script: Any, thread: bool) -> None:
    """With nobody asserting again: the first trap is reported, but is a trap; what is raised by hand still kills."""
    start = "import threading; t = threading.Thread(target=lambda: exec(text)); t.start(); t.join()" if thread else "exec(text)"
    text = MEMORY + TRAPS + "import faulthandler; faulthandler.enable()\n" + TRAPS * 3
    result = script(f"text = {text!r}\n{start}\n{DONE}")
    assert (result.returncode, result.stdout) == (0, "done\n")
    assert result.stderr.count("Fatal Python error") == 1
    result = script(f"text = {text!r}\n{start}\n{DONE}import signal; signal.raise_signal(signal.SIGSEGV)")
    assert (result.returncode, result.stdout) == (-signal.SIGSEGV, "done\n")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS])
@pytest.mark.parametrize("late", ["", "import faulthandler; faulthandler.enable(); native.fault_assert()\n"])
def test_kill_still_kills(script: Any, number: int, late: str) -> None:
    result = script(f"import os\n{MEMORY}{TRAPS}{late}os.kill(os.getpid(), {int(number)})\nprint('alive')")
    assert (result.returncode, result.stdout) == (-number, "")


def test_ignored_signal_stays_ignored(script: Any) -> None:
    result = script(MEMORY + TRAPS + "import os\nos.kill(os.getpid(), 11)\n" + DONE, "import signal; signal.signal(11, signal.SIG_IGN)")
    assert (result.returncode, result.stdout) == (0, "done\n")


def test_python_handler_is_called(script: Any) -> None:
    before = "import os, signal\ngot = []\nsignal.signal(11, lambda *a: got.append(a[0]))"
    result = script(MEMORY + TRAPS + "for i in range(3): os.kill(os.getpid(), 11)\nassert got == [11] * 3\n" + TRAPS + DONE, before)
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr


def test_crash_in_a_host_function_is_a_crash(script: Any) -> None:
    text = MEMORY + "import ctypes\nnative.set_callable(lambda: len(ctypes.string_at(8)))\nnative.run(4, 0, 0)\nprint('alive')"
    result = script(text)
    assert (result.returncode, result.stdout) == (-signal.SIGSEGV, "")


def test_memory_touched_by_other_code_is_a_crash(script: Any) -> None:
    """An address in the arena is not enough: the pc must be ours."""
    text = MEMORY + "import ctypes\nbase = ctypes.c_uint64.from_address(native.memory_new(1, 2, 1 << 32, 1)).value\n"
    text += "native.set_callable(lambda: len(ctypes.string_at(base + (1 << 20))))\nnative.run(4, 0, 0)\nprint('alive')"
    assert script(text).returncode == -signal.SIGSEGV


def test_wild_access_of_ours_is_a_crash(script: Any) -> None:
    """A pc in the image is not enough: the address must be in the arena."""
    assert script(MEMORY + "native.run(6, 0, 0)\nprint('alive')").returncode == -signal.SIGSEGV


def test_two_chaining_libraries_do_not_loop(script: Any) -> None:
    """A library that installs itself before and after us, each time calling what it found."""
    other = (
        "import ctypes, signal\n"
        "Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)\n"
        "libc = ctypes.CDLL(None)\n"
        "def install():\n"
        "    old = (ctypes.c_char * 152)()\n"
        "    libc.sigaction(11, None, old)\n"
        "    found = ctypes.c_void_p.from_buffer(old).value\n"
        "    def handler(number, info, context):\n"
        "        print('other', flush=True)\n"
        "        if found: Handler(found)(number, info, context)\n"
        "        else: libc.sigaction(11, (ctypes.c_char * 152)(), None)\n"
        "    kept.append(Handler(handler))\n"
        "    new = (ctypes.c_char * 152)()\n"
        "    ctypes.c_void_p.from_buffer(new).value = ctypes.cast(kept[-1], ctypes.c_void_p).value\n"
        "    ctypes.c_int.from_buffer(new, 136).value = 4 | 0x40000000\n"
        "    libc.sigaction(11, new, None)\n"
        "kept = []\n"
        "install()"
    )
    result = script(MEMORY + "install()\nnative.fault_assert()\n" + TRAPS + "ctypes.string_at(8)\n", other)
    assert result.returncode == -signal.SIGSEGV
    assert result.stdout == "other\nother\n"  # the newer one, which calls us, and the older one


@pytest.mark.parametrize("order", ["before", "after", "both"])
def test_wasmtime_in_the_same_process(script: Any, order: str) -> None:
    pytest.importorskip("wasmtime")
    early = WASMTIME + "early = other(); check_other(early)\n" if order != "after" else ""
    late = ("" if early else WASMTIME) + "late = other(); check_other(late)\n" if order != "before" else "late = early\n"
    both = (TRAPS + "check_other(late)\n") * 3
    text = MEMORY + TRAPS + late + both + "native.fault_assert()\n" + both + DONE
    result = script(text, early)
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr


def test_wasmtime_around_us(script: Any) -> None:
    """wasmtime -> Python -> us: our trap inside its activation, then its own."""
    pytest.importorskip("wasmtime")
    wat = '(module (import "a" "b" (func $f)) (memory 1) (func (export "f") (result i32) call $f i32.const 100000 i32.load))'
    text = (
        "store = wasmtime.Store()\n"
        f"module = wasmtime.Module(store.engine, {wat!r})\n"
        f"def inside():\n    {TRAPS}"
        "host = wasmtime.Func(store, wasmtime.FuncType([], []), inside)\n"
        "f = wasmtime.Instance(store, module, [host]).exports(store)['f']\n"
        "for i in range(3): check_other(lambda: f(store))\n"
    )
    result = script(MEMORY + WASMTIME + text + TRAPS + DONE)
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr
