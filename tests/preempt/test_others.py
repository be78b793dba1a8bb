"""SIGURG belongs to others too: whoever handled it before us or since is called for what is no tick, and ticks still come."""

from collections.abc import Callable

import pytest

FIRST, SECOND = "signal.signal(signal.SIGURG, handler)", "count = compiled(COUNTER).exports.f; count(1000)"


@pytest.mark.parametrize("order", ([FIRST, SECOND], [SECOND, FIRST], [SECOND, FIRST, "time.sleep(0.05)", SECOND, FIRST]))
def test_a_python_handler(script: Callable[[str], str], order: list[str]) -> None:
    setting = "\n".join(order)
    assert script(
        f"""
called = 0
def handler(*_):
    global called
    called += 1
{setting}
time.sleep(0.02)
install(plain(), make(plain(), COUNTER))  # puts ours in front again
called = 0
try:
    count(-1, timeout=0.1)
except wasmjit.Timeout:
    print("stopped", called)
os.kill(os.getpid(), signal.SIGURG)
print(called)
"""
    ) == "stopped 0\n1\n"


def test_a_signal_that_the_main_thread_blocks(script: Callable[[str], str]) -> None:
    """Ticks of other threads keep signals off for the main thread, but not for ever: they come before it and would be all that runs."""
    assert script(
        """
count = compiled(COUNTER).exports.f
called, counted = 0, 0
def handler(*_):
    global called
    called += 1
def run():
    global counted
    counted = count(2_000_000_000)
signal.signal(signal.SIGUSR1, handler)
thread = threading.Thread(target=run, daemon=True)
thread.start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
sent = 0
while sent < 60 and thread.is_alive():
    os.kill(os.getpid(), signal.SIGUSR1)
    sent += 1
    time.sleep(0.011)
thread.join(30)
print(counted, called > 0)
"""
    ) == "2000000000 True\n"


def test_without_another_handler_the_signal_is_ignored(script: Callable[[str], str]) -> None:
    assert script(
        """
count = compiled(COUNTER).exports.f
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGURG)).start()
try:
    count(-1, timeout=0.1)
except wasmjit.Timeout:
    print("stopped")
os.kill(os.getpid(), signal.SIGURG)
"""
    ) == "stopped\n"


def test_two_handlers_that_call_each_other_do_not_loop(script: Callable[[str], str]) -> None:
    """A library that chains to the handler it found, which is ours, and that we find in front of us in turn."""
    assert script(
        """
import ctypes
libc = ctypes.CDLL(None)
Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
count = compiled(COUNTER).exports.f
count(1000)
found = ctypes.create_string_buffer(152)
called = []
@Handler
def chaining(number, info, context):
    called.append(number)
    Handler(ctypes.c_uint64.from_buffer(found, 0).value)(number, info, context)
action = ctypes.create_string_buffer(152)
ctypes.c_uint64.from_buffer(action, 0).value = ctypes.cast(chaining, ctypes.c_void_p).value
ctypes.c_int32.from_buffer(action, 136).value = 4
libc.sigaction(signal.SIGURG, action, found)
module = plain()
install(module, make(module, COUNTER))
called.clear()  # a tick may have come
os.kill(os.getpid(), signal.SIGURG)
print(called)
"""
    ) == "[23]\n"
