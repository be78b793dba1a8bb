"""IR of the stub handlers, in the interpreter's convention: preserve_none (slot pc, sp, mem, ec, csp, accumulators, budget)."""

from wasmjit.native.lang import offsetof
from wasmjit.runtime.structs import Ec

_ARGUMENTS = "ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %tank"


def _leave(place: str) -> str:
    """What a handler sets before it calls out: a frame of eight slots, control stack at csp."""
    fields = {"pc": "%pc", "vs_top": f"%{place}.top", "cs_top": "%csp"}
    lines = [f"  %{place}.top = getelementptr i64, ptr %sp, i64 8"]
    for field, value in fields.items():
        lines.append(f"  %{place}.{field} = getelementptr i8, ptr %ec, i64 {int(offsetof(Ec, field))}")
        lines.append(f"  store ptr {value}, ptr %{place}.{field}")
    return "\n".join(lines)


STUBS = f"""
@sentinel_word = hidden global ptr @stub_sentinel
@restore_word = hidden global ptr @stub_sentinel
@native_table = hidden global ptr null
declare void @trap(ptr, i64) noreturn
declare void @trap_memory(ptr, i64, i64) noreturn
declare i64 @safepoint(ptr)
declare void @host_call(ptr, ptr, ptr)
declare void @stub_bulk_run(ptr, ptr)
declare void @stub_deep_trap(ptr, ptr, i64)

define hidden preserve_nonecc void @stub_sentinel({_ARGUMENTS}) nounwind {{
  ret void
}}
define hidden preserve_nonecc void @stub_return({_ARGUMENTS}) nounwind {{
  %record = getelementptr i8, ptr %csp, i64 -16
  %return.pc = load ptr, ptr %record
  %handler = load ptr, ptr %return.pc
  musttail call preserve_nonecc void %handler(ptr %return.pc, ptr %sp, ptr %mem, ptr %ec, ptr %record, i64 %r0, double %f0, i64 %tank)
  ret void
}}
define hidden preserve_nonecc void @stub_load({_ARGUMENTS}) nounwind {{
  %index = load i64, ptr %sp
  %place = getelementptr i8, ptr %mem, i64 %index
  %value = load volatile i32, ptr %place, align 1
  %wide = zext i32 %value to i64
  store i64 %wide, ptr %sp
  musttail call preserve_nonecc void @stub_return(ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %tank)
  ret void
}}
define hidden preserve_nonecc void @stub_trap({_ARGUMENTS}) nounwind {{
{_leave("out")}
  %code = load i64, ptr %sp
  call void @trap(ptr %ec, i64 %code)
  unreachable
}}
define hidden preserve_nonecc void @stub_spin({_ARGUMENTS}) nounwind {{
{_leave("out")}
  %limit = load i64, ptr %sp
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %i.next, %next ]
  %budget = phi i64 [ %tank, %0 ], [ %budget.next, %next ]
  call void asm sideeffect "", ""()
  %i.next = add i64 %i, 1
  %budget.less = sub i64 %budget, 1
  %poll = icmp slt i64 %budget.less, 0
  br i1 %poll, label %slow, label %next
slow:
  %budget.new = call i64 @safepoint(ptr %ec)
  br label %next
next:
  %budget.next = phi i64 [ %budget.less, %loop ], [ %budget.new, %slow ]
  %more = icmp ult i64 %i.next, %limit
  br i1 %more, label %loop, label %done
done:
  musttail call preserve_nonecc void @stub_return(ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %tank)
  ret void
}}
define hidden preserve_nonecc void @stub_host({_ARGUMENTS}) nounwind {{
{_leave("out")}
  call void @host_call(ptr %ec, ptr null, ptr %sp)
  musttail call preserve_nonecc void @stub_return(ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %tank)
  ret void
}}
define hidden preserve_nonecc void @stub_bulk({_ARGUMENTS}) nounwind {{
{_leave("out")}
  call void @stub_bulk_run(ptr %ec, ptr %sp)
  musttail call preserve_nonecc void @stub_return(ptr %pc, ptr %sp, ptr %mem, ptr %ec, ptr %csp, i64 %r0, double %f0, i64 %tank)
  ret void
}}
define hidden preserve_nonecc void @stub_deep({_ARGUMENTS}) nounwind {{
{_leave("out")}
  %depth = load i64, ptr %sp
  call void @stub_deep_trap(ptr %ec, ptr %csp, i64 %depth)
  unreachable
}}
define hidden preserve_nonecc void @stub_wild({_ARGUMENTS}) nounwind {{
  %value = load volatile i32, ptr inttoptr (i64 64 to ptr)
  ret void
}}
"""
