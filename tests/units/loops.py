"""Loops for units, as IR of `making.compute`."""

from tests.units.making import RESULT, adapter, body, call_runtime, compute, field, given, member
from wasmjit.runtime.structs import Code, Ec, FuncRef, Inst

# counts to its argument: forever, for -1 in any test's time
COUNT = """\
  br label %loop
loop:
  %n = phi i64 [0, %entry], [%more, %loop]
  %more = add i64 %n, 1
  call void asm sideeffect "", ""()
  %done = icmp eq i64 %more, %i0
  br i1 %done, label %out, label %loop
out:
"""
COUNTER = compute(COUNT, "%more")

# stores its counter to memory 0 until the word behind it is not 0
STORING = compute(
    f"""\
{field(Inst, "mem", "inst", "mem")}\
  %flag = getelementptr i8, ptr %mem, i64 8
  br label %loop
loop:
  %n = phi i64 [0, %entry], [%more, %loop]
  %more = add i64 %n, 1
  store volatile i64 %more, ptr %mem
  %stop = load volatile i64, ptr %flag
  %done = icmp ne i64 %stop, 0
  br i1 %done, label %out, label %loop
out:
""",
    "%more",
)

FIBONACCI = body(
    """\
  %small = icmp ult i64 %i0, 2
  br i1 %small, label %leaf, label %inner
leaf:
  br label %out
inner:
  %a = sub i64 %i0, 1
  %b = sub i64 %i0, 2
  %fa = call {i64, <2 x double>} @body_0(ptr %ec, ptr %inst, i64 %a, REST)
  %fb = call {i64, <2 x double>} @body_0(ptr %ec, ptr %inst, i64 %b, REST)
  %ra = extractvalue {i64, <2 x double>} %fa, 0
  %rb = extractvalue {i64, <2 x double>} %fb, 0
  %sum = add i64 %ra, %rb
  br label %out
out:
  %r = phi i64 [%i0, %leaf], [%sum, %inner]
""".replace("REST", ", ".join(["i64 poison"] * 3 + ["<2 x double> poison"] * 8)),
    "%r",
) + adapter(1)

# for ever
SPIN = """\
  br label %spin
spin:
  call void asm sideeffect "", ""()
  br label %spin
"""


def calling(times: str, after: str = "") -> str:
    """Function 1 calls the imported function 0 with its argument, `times` times, and then does what `after` says.

    Returns the sum of the results, and 1 a call.
    """
    return compute(
        f"""\
{field(Inst, "refs", "inst", "refs")}  %ref = load ptr, ptr %refs
{field(FuncRef, "code", "ref", "code")}{field(FuncRef, "inst", "ref", "to")}{field(Code, "native", "code", "native")}\
{member(Ec, "callee", "ec", "callee")}{member(Ec, "inst", "ec", "inst.place")}{member(Ec, "mem0", "ec", "mem0")}\
{field(Inst, "mem0", "inst", "own")}\
  br label %loop
loop:
  %n = phi i64 [0, %entry], [%more, %loop]
  %sum = phi i64 [0, %entry], [%sums, %loop]
  %more = add i64 %n, 1
  store ptr %ref, ptr %callee
  store ptr %inst, ptr %inst.place
  store ptr %own, ptr %mem0
  %result = call {{i64, <2 x double>}} %native(ptr %ec, ptr %to, {given("%i0")})
  %value = extractvalue {{i64, <2 x double>}} %result, 0
  %with = add i64 %sum, %value
  %sums = add i64 %with, 1
  %done = icmp eq i64 %more, {times}
  br i1 %done, label %out, label %loop
out:
{after}""",
        "%sums",
        function=1,
    )


def mixing(integers: int, vectors: dict[str, int]) -> str:
    """Mixes the lanes of many live values as often as its argument says; all of them go into the result.

    integers: how many i64; vectors: how many of each type, such as {"<4 x double>": 8}.
    """
    kinds = ["i64"] * integers + [kind for kind, count in vectors.items() for _ in range(count)]
    phis, steps, ends, sums = [], [], [], ["  %sum0 = add i64 0, 0\n"]
    for k, kind in enumerate(kinds):
        lanes = int(kind[1:].split()[0]) if kind[0] == "<" else 0
        lane = kind.rstrip(">").split()[-1]
        bits = f"<{lanes} x i{64 if lane in ('double', 'i64') else 32}>"
        if not lanes:
            phis.append(f"  %a{k} = phi i64 [{k + 1}, %entry], [%b{k}, %loop]\n")
            steps.append(f"  %m{k} = mul i64 %a{k}, {6364136223846793005 + 2 * k}\n  %b{k} = add i64 %m{k}, %n\n")
            value = f"%b{k}"
        else:
            start = ", ".join(f"{lane} {k + i + 1}{'.0' if lane in ('double', 'float') else ''}" for i in range(lanes))
            turn = ", ".join(f"i32 {(i + 1) % lanes}" for i in range(lanes))
            phis.append(f"  %a{k} = phi {kind} [<{start}>, %entry], [%b{k}, %loop]\n")
            if lane in ("double", "float"):
                half = ", ".join([f"{lane} 0.5"] * lanes)
                steps.append(f"  %h{k} = fmul {kind} %a{k}, <{half}>\n  %m{k} = fadd {kind} %h{k}, <{start}>\n")
            else:
                steps.append(f"  %m{k} = add {kind} %a{k}, <{start}>\n")
            steps.append(f"  %b{k} = shufflevector {kind} %m{k}, {kind} poison, <{lanes} x i32> <{turn}>\n")
            ends.append(f"  %c{k} = bitcast {kind} %b{k} to {bits}\n")
            width = bits.split("x ")[1].rstrip(">")
            reduced = f"@llvm.vector.reduce.add.v{lanes}{width}"
            ends.append(f"  %r{k} = call {width} {reduced}({bits} %c{k})\n")
            value = f"%w{k}"
            ends.append(f"  {value} = {'zext i32' if width == 'i32' else 'add i64 0,'} %r{k}{' to i64' if width == 'i32' else ''}\n")
        sums.append(f"  %x{k} = mul i64 %sum{k}, 31\n  %sum{k + 1} = add i64 %x{k}, {value}\n")
    text = (
        "  br label %loop\nloop:\n  %n = phi i64 [0, %entry], [%more, %loop]\n"
        + "".join(phis + steps)
        + "  %more = add i64 %n, 1\n  %done = icmp eq i64 %more, %i0\n  br i1 %done, label %out, label %loop\nout:\n"
        + "".join(ends + sums)
    )
    return compute(text, f"%sum{len(kinds)}")


def deep(register: str, room: int = 4096) -> str:
    """Calls itself until less than `room` bytes above ec.stack_limit are left of the native stack, then counts to its argument.

    Returns its depth. register: the name of the stack pointer.
    """
    return (
        body(
            f"""\
  %sp = call i64 @llvm.read_register.i64(metadata !0)
{field(Ec, "stack_limit", "ec", "limit", "i64")}\
  %least = add i64 %limit, {room}
  %bottom = icmp ult i64 %sp, %least
  br i1 %bottom, label %count, label %call
call:
  %result = call {RESULT} @body_0(ptr %ec, ptr %inst, {given("%i0")})
  %depth = extractvalue {RESULT} %result, 0
  br label %end
count:
  br label %loop
loop:
  %n = phi i64 [0, %count], [%more, %loop]
  %more = add i64 %n, 1
  call void asm sideeffect "", ""()
  %done = icmp eq i64 %more, %i0
  br i1 %done, label %end, label %loop
end:
  %above = phi i64 [%depth, %call], [0, %loop]
  %r = add i64 %above, 1
""",
            "%r",
        )
        + adapter(1)
        + f'declare i64 @llvm.read_register.i64(metadata)\n!0 = !{{!"{register}"}}\n'
    )


# fills half of memory 0 for ever: nearly all its time is the runtime's
FILLING = compute(
    f"""\
  br label %loop
loop:
{call_runtime("mem_fill", "i32 0, i64 0, i32 7, i64 33554432", "failed", "i32")}\
  br label %loop
out:
""",
    "0",
)
