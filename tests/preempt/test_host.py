"""Host functions and forks below optimized code: ticks leave them alone, and come again afterwards."""

from collections.abc import Callable

HOST = '(module (import "e" "h" (func (param i64) (result i64))) (func (export "f") (param i64) (result i64) local.get 0))'


def test_sleep_and_blocking_calls_take_their_time(script: Callable[[str], str]) -> None:
    """And each is interrupted once at most: the timer stops at its first tick there."""
    assert script(
        f"""
import select, socket
reader, writer = os.pipe()
ours, theirs = socket.socketpair()
def sleep():
    begin = time.monotonic()
    time.sleep(0.1)
    assert time.monotonic() - begin >= 0.1
def read():
    threading.Timer(0.05, os.write, (writer, b"x")).start()
    assert os.read(reader, 10) == b"x"
def receive():
    threading.Timer(0.05, theirs.send, (b"yz",)).start()
    assert ours.recv(2, socket.MSG_WAITALL) == b"yz"
def poll():
    assert select.select([reader], [], [], 0.05) == ([], [], [])
def wait():
    assert not threading.Event().wait(0.05)
def lock():
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.05, lock.release).start()
    lock.acquire()
waits = [sleep, read, receive, poll, wait, lock]
def host(n):
    waits[n]()
    return n
spin = compiled(COUNTER)
def spinning(n):
    spin.exports.f(20_000_000)
    return host(n)
for inner in (host, spinning):
    f = compiled(calling("3"), {HOST!r}, {{"e": {{"h": inner}}}}).exports.f
    for n in range(len(waits)):
        assert f(n) == 3 * n + 3
print("fine")
"""
    ) == "fine\n"


def test_a_raw_system_call_is_interrupted_once_at_most(script: Callable[[str], str]) -> None:
    """nanosleep tells whether it was: signals end it, whatever SA_RESTART says."""
    assert script(
        f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
spin = compiled(COUNTER).exports.f
interrupted = []
def host(n):
    interrupted.append([libc.usleep(20_000) for _ in range(5)])
    return n
imports = {{"e": {{"h": host}}}}
f = compiled(calling("5"), {HOST!r}, imports).exports.f
f(1)
print(all(sum(each) in (0, -1) for each in interrupted), len(interrupted))
"""
    ) == "True 5\n"


def test_loops_are_interrupted_again_after_a_host_function_slept(script: Callable[[str], str]) -> None:
    assert script(
        f"""
calls = 0
def host(n):
    global calls
    calls += 1
    if calls == 1:
        time.sleep(0.05)
    elif calls == 2:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    return n
def stop(*_): raise KeyError("stop")
signal.signal(signal.SIGALRM, stop)
f = compiled(calling("2", SPIN), {HOST!r}, {{"e": {{"h": host}}}}).exports.f
try:
    f(1)
except KeyError as error:
    print("stopped", calls)
"""
    ) == "stopped 2\n"


def test_a_fork_in_a_host_function(script: Callable[[str], str]) -> None:
    """The child goes on in the same optimized code, and has ticks."""
    assert script(
        f"""
def host(n):
    return os.fork()
f = compiled(calling("1"), {HOST!r}, {{"e": {{"h": host}}}}).exports.f
count = compiled(COUNTER).exports.f
count(100_000_000)
child = f(0) - 1
if child == 0:
    assert timers() in ([], [threading.get_native_id()])
    for _ in range(3):
        try:
            count(-1, timeout=0.05)
        except wasmjit.Timeout:
            pass
        else:
            os._exit(1)
    assert count(1000) == 1000
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    count(-1, timeout=0.05)
except wasmjit.Timeout:
    print("stopped")
"""
    ) == "7\nstopped\n"


def test_a_fork_in_another_thread(script: Callable[[str], str]) -> None:
    assert script(
        """
count = compiled(COUNTER).exports.f
def forking():
    time.sleep(0.03)
    child = os.fork()
    if child == 0:
        try:
            count(-1, timeout=0.05)
        except wasmjit.Timeout:
            os._exit(9)
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for _ in range(3):
    thread = threading.Thread(target=forking)
    thread.start()
    try:
        count(-1, timeout=0.2)
    except wasmjit.Timeout:
        pass
    thread.join()
"""
    ) == "9\n" * 3


def test_timers_end_with_their_threads(script: Callable[[str], str]) -> None:
    assert script(
        """
count = compiled(COUNTER).exports.f
count(1000)
for _ in range(300):
    thread = threading.Thread(target=count, args=(1000,))
    thread.start()
    thread.join()
while timers() != [threading.get_native_id()]:  # a thread that was joined ends a little later
    time.sleep(0.01)
print("given back")
"""
    ) == "given back\n"


def test_an_idle_thread_has_no_ticks(script: Callable[[str], str]) -> None:
    assert script(
        """
import ctypes
count = compiled(COUNTER).exports.f
count(1000)
libc = ctypes.CDLL(None)
print(sum(libc.usleep(20_000) for _ in range(10)) in (0, -1))
"""
    ) == "True\n"
