"""What tests of preemption share: the process's timers, ticks that are no timer's."""

import ctypes
import os
import re
from pathlib import Path
from typing import Any

from wasmjit.runtime.platform import MACHINE, SI_TIMER, SIGINFO_CODE, SIGINFO_VALUE, SIGURG
from wasmjit.runtime.timers import MARK

_SYS_RT_TGSIGQUEUEINFO = 297 if MACHINE in ("x86_64", "AMD64") else 240
_EAGAIN = 11
_syscall: Any = ctypes.CDLL(None, use_errno=True).syscall
_TIMER = re.compile(r"ID: \d+\nsignal: \d+/([0-9a-f]+)\nnotify: signal/tid\.(\d+)")


def timers() -> list[int]:
    """The threads that have a timer of ours."""
    return [int(thread) for value, thread in _TIMER.findall(Path("/proc/self/timers").read_text()) if int(value, 16) == MARK]


def send_ticks(thread: int, count: int) -> int:
    """Send a thread the signal that its timer sends, `count` times; how many of them could be sent. OSError."""
    info = ctypes.create_string_buffer(128)
    ctypes.c_int32.from_buffer(info, 0).value = SIGURG
    ctypes.c_int32.from_buffer(info, SIGINFO_CODE).value = SI_TIMER
    ctypes.c_uint64.from_buffer(info, SIGINFO_VALUE).value = MARK
    process, sent = os.getpid(), 0
    for _ in range(count):
        if _syscall(_SYS_RT_TGSIGQUEUEINFO, process, thread, SIGURG, info) == 0:
            sent += 1
        elif ctypes.get_errno() != _EAGAIN:
            raise OSError(ctypes.get_errno(), "rt_tgsigqueueinfo")
    return sent
