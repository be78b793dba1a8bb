"""Ticks anywhere: where a function has no frame yet, or none any more, the backtrace has its caller; else the function too."""

import ctypes

import pytest

import wasmjit
from tests.sources import source
from wasmjit._image import native
from wasmjit._wat import assemble
from wasmjit.native.lang import ptr, u8
from wasmjit.runtime.frameless import frameless_aarch64, frameless_x86_64
from wasmjit.tiers import policy
from wasmjit.tiers.optimizer.compile import compile_unit
from wasmjit.tiers.optimizer.request import Request

X86_64 = (  # bytes, where the return address is found when the bar is reached
    ("| 55 48 89 e5 53", 0),
    ("55 | 48 89 e5 53", 8),
    ("55 48 89 e5 | 53", None),
    ("5b | 5d c3", None),
    ("5b 5d | c3", 0),
    ("5b 5d | c5 f8 77 c3", 0),
    ("5d c5 f8 77 | c3", 0),
    ("5d | ff e0", 0),
    ("5d | 41 ff e3", 0),
    ("5d | ff 60 18", 0),
    ("5d | c5 f8 77 ff e0", 0),
    ("5d c5 f8 77 | ff e0", 0),
    ("48 01 c8 | ff e0", None),  # a jump table
    ("| c5 f8 77 e8 00 00 00 00", None),  # before a call
    ("| 48 89 e7", None),
)
AARCH64 = (
    ("| a9be7bfd f9000bf3 910003fd", True),  # stp x29, x30, [sp, #-32]!; str x19, [sp, #16]; mov x29, sp
    ("a9be7bfd f9000bf3 | 910003fd", True),
    ("| d10203ff a9067bfd 910183fd", True),  # sub sp, sp, #128; stp; add x29, sp, #96
    ("910003fd | f9400013 a9400e62", False),  # ldr x19, [x0]
    ("f9000260 | f9400bf3 a8c27bfd d65f03c0", False),  # ldr x19, [sp, #16]; ldp x29, x30, [sp], #32; ret
    ("f9400bf3 a8c27bfd | d65f03c0", True),
    ("a9467bfd | 910203ff d65f03c0", True),  # ldp x29, x30, [sp, #96]; add sp, sp, #128; ret
    ("a8c17bfd | d61f0060", True),  # br x3: a tail call
    ("8b090108 | d61f0100", False),  # a jump table
    ("| f9400be8 d61f0100", False),
)


def code(text: str, width: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """The code before and behind the bar, and the address of the latter."""
    before, _, behind = text.partition("|")
    units = [bytes.fromhex(word)[:: 1 if width == 1 else -1] for word in (before + behind).split()]
    data = ctypes.create_string_buffer(bytes(16) + b"".join(units) + bytes(16))
    return data, ctypes.addressof(data) + 16 + width * len(before.split())


@pytest.mark.parametrize(("text", "above"), X86_64)
def test_x86_64(text: str, above: int | None) -> None:
    data, at = code(text, 1)
    assert int(frameless_x86_64(ptr[u8](at))) == (0 if above is None else above + 1)
    assert data[0] == b"\0"


@pytest.mark.parametrize(("text", "frameless"), AARCH64)
def test_aarch64(text: str, frameless: bool) -> None:
    data, at = code(text, 4)
    assert bool(frameless_aarch64(ptr[u8](at))) is frameless
    assert data[0] == b"\0"


STEP = "(local.set $n (i64.mul (i64.add (local.get $n) (i64.const 3)) (local.get $n))) (i64.store (i32.const 8) (local.get $n))"
CALLS = """(module (global $n (mut i64) (i64.const 0))
  (func $count (global.set $n (i64.add (global.get $n) (i64.const 1))))
  (func (export "run") (loop $l (call $count) (call $count) (br $l))))"""


@pytest.mark.parametrize("body", ["", STEP])
def test_timeouts_in_a_loop_name_its_function(body: str) -> None:
    """Whether it is found in code that belongs to an instruction or not."""
    text = f'(module (memory 1) (func (export "run") (local $n i64) (loop $l {body} (br $l))))'
    run = wasmjit.Instance(wasmjit.Module(text, config=wasmjit.Config("opt"))).exports.run
    for _ in range(30):
        with pytest.raises(wasmjit.Timeout) as timeout:
            run(timeout=0.001)
        assert [(frame.index, frame.tier) for frame in timeout.value.frames] == [(0, "opt")]


def test_timeouts_in_a_loop_that_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time a small function is beginning or ending."""
    monkeypatch.setattr(policy, "INLINE_BYTES", 0)
    binary = assemble(CALLS)
    module = wasmjit.Module(binary, config=wasmjit.Config("interp"))
    unit = compile_unit(Request(source(binary), ((0, 0), (1, 0))))
    assert native().unit_install(module.address, unit.pack())
    run = wasmjit.Instance(module).exports.run
    for _ in range(100):
        with pytest.raises(wasmjit.Timeout) as timeout:
            run(timeout=0.001)
        assert [frame.index for frame in timeout.value.frames] in ([1], [0, 1])
