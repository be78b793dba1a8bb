"""Exits: a frame, and those around it that were inlined, go back to the interpreter at a canonical point."""

from wasmjit.native.lang import offsetof
from wasmjit.runtime.natives import index
from wasmjit.runtime.structs import Ec
from wasmjit.tiers.optimizer.convention import PASSED, RESULT
from wasmjit.tiers.optimizer.frames import MOST_SLOTS, Frame
from wasmjit.tiers.optimizer.state import Builder
from wasmjit.tiers.optimizer.unit import Refused

LEFT = "left"
STRIDE, CYCLE = 37, 101  # guards that are passed after exit n: n * STRIDE % CYCLE


def chain(f: Frame) -> list[Frame]:
    """The frames around a frame and itself, outermost first."""
    frames = [f]
    while frames[-1].parent is not None:
        frames.append(frames[-1].parent)
    return frames[::-1]


def leave(b: Builder, f: Frame, i: int, after: int, reason: str) -> None:
    """End the block by an exit before or behind instruction i: values to their slots, then what describes the frames to who rebuilds them.

    `after` is 0 only for calls, which neither read nor write locals.
    """
    t = b.t
    frames = chain(f)
    top = f.base + f.body.base + len(f.vals)
    if top > MOST_SLOTS:
        raise Refused(f"function {f.function}: {top} slots in the frames of an exit")
    slots = "%sp" if b.osr else b.field(Ec, "%ec", "vs_top")
    for frame in frames:
        unchanged = b.initial if frame.parent is None else {}
        b.spend(len(frame.locals) + len(frame.vals))
        read = frame.reads(i if frame is f else frame.at)
        for k, (value, kind) in enumerate(zip(frame.locals, frame.body.locals, strict=True)):
            if read >> k & 1 and unchanged.get(k) != value:
                b.write(slots, 8 * (frame.base + k), kind, value)
        first = frame.base + frame.body.base
        for k, (value, kind) in enumerate(zip(frame.vals, frame.types, strict=True)):
            if unchanged.get(frame.body.base + k) != value:
                b.write(slots, 8 * (first + k), kind, value)
    b.leaving.append((describe(b, frames, f.body.offsets[i], after, reason), t.block))
    t.emit(f"br label %{LEFT}")


def left(b: Builder) -> None:
    """Where all exits of the function end, one place for all: a return for each would be a third of the code of a function with many."""
    t = b.t
    t.place(LEFT)
    descriptor = t.let(f"phi ptr {', '.join([f'[ {name}, %{block} ]' for name, block in b.leaving])}")
    if b.osr:
        t.emit(f"ret ptr {descriptor}")
        return
    passed = PASSED.replace("i64 poison", f"i64 {t.let(f'ptrtoint ptr {descriptor} to i64')}", 1)
    target = b.element(b.field(Ec, "%ec", "rt"), index("land_called"))
    result = t.let(f"musttail call {RESULT} {target}(ptr %ec, ptr %inst, {passed})")
    t.emit(f"ret {RESULT} {result}")


def describe(b: Builder, frames: list[Frame], offset: int, after: int, reason: str) -> str:
    """The descriptor of an exit: its number, and of each frame function, offset in its profiled form, first slot."""
    program = b.program
    number = len(program.exits)
    innermost = frames[-1]
    program.exits.append((innermost.function, offset, reason))
    words = [number, len(frames)]
    for frame in frames:
        point = (offset, after) if frame is innermost else (frame.body.offsets[frame.at], 1)
        words += [frame.function, frame.points[point][0], frame.base]
    program.forms.update(frame.function for frame in frames)
    name = f"@exit.{number}"
    program.text.declare(f"{name} = internal constant [{len(words)} x i32] [{', '.join(f'i32 {word}' for word in words)}], align 4")
    return name


def stress(b: Builder, f: Frame, i: int) -> None:
    """Count the guards down: the one that comes below zero fails. How many are passed then depends on which it was: each has its turn."""
    t = b.t
    place = int(offsetof(Ec, "stress"))
    left = t.let(f"add i64 {b.read('%ec', place, 'i64')}, -1")
    b.write("%ec", place, "i64", left)
    with b.aside(b.guard(t.let(f"icmp slt i64 {left}, 0"))):
        b.write("%ec", place, "i64", str(len(b.program.exits) * STRIDE % CYCLE))
        leave(b, f, i, 1, "stress")
