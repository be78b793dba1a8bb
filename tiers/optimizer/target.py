"""What units are compiled with: LLVM's target machine and passes. The only module of the tier that imports llvmlite.

LLVM's options are global to the process and set once:
- Shrink wrapping moves the set-up of the frame pointer behind accesses that can fault; backtraces need it before them.
- A function that only traps would get a section of its own; a unit has one.
- Merging equal code of two branches leaves one place for two sites; then a trap would name the wrong one, or none.
- Sums of floats in loops that get vectors: the elements are added one after the other, as the program says. LLVM does that on some
  processors only; where the terms are divisions (spectral norm) it takes 0.78 of the time, where they are products the same.
"""

from functools import cache

import llvmlite.binding as llvm

from wasmjit.native.emit import parse, target_machine
from wasmjit.native.target import Target

_OPTIONS = (
    "-enable-shrink-wrap=false",
    "-simplifycfg-hoist-common=false",
    "-simplifycfg-sink-common=false",
    "-enable-tail-merge=false",
    "-profile-guided-section-prefix=false",
    "-force-ordered-reductions=true",
)


@cache
def _set_options() -> None:
    for option in _OPTIONS:
        llvm.set_option("wasmjit", option)


@cache
def machine(target: Target | None, level: int) -> tuple[llvm.TargetMachine, str, str]:
    """LLVM's target machine for code generation at a level, its triple and its data layout. EmitError: LLVM does not know the target."""
    made = target_machine(target, level=level)
    _set_options()
    return made, made.triple, str(made.target_data)


def _run(passes: llvm.ModulePassManager, module: llvm.ModuleRef, builder: llvm.PassBuilder) -> None:
    """Run passes, once: they are used up. llvmlite does not free them (80 KB): an empty method of another base class hides its own."""
    passes.run(module, builder)
    llvm.newpassmanagers.NewPassManager._dispose(passes)


def quick(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Least time to compile: no passes. For optnone LLVM takes its fast selector of instructions, but keeps its good allocator."""
    for function in module.functions:
        if not function.is_declaration:
            function.add_function_attribute("optnone")


def cheap(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """What clears up the most: 0.05 of the time goes into these passes, the rest into code generation."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    _run(passes, module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1)))


def full(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """LLVM's O2, with vectors and unrolling; its O3 takes a quarter longer for nothing."""
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = options.loop_interleaving = True
    builder = llvm.create_pass_builder(machine, options)
    _run(builder.getModulePassManager(), module, builder)


# By Options.level: passes, level of code generation. On two functions of CPython of 7000 and 43 000 instructions, in seconds of CPU time:
# quick 0.14 and 0.7, cheap 0.35 and 1.5; time of the code on 11 kernels: 1.5, 1.2, 1.0, without two that get vectors 1.23, 1.08, 1.0.
# LLVM's O1 takes a third longer than cheap, for code as good as that of full. Code generation at level 1 takes as long as at 2; at 0, with
# the fast allocator, half as long as quick, and its code runs twice as long. GVN behind the cheap passes gains less than it takes.
PIPELINES = ((quick, 2), (cheap, 2), (full, 2))


def _optimize(ir: str, target: Target | None, level: int, verify: bool) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    passes, generation = PIPELINES[level]
    made, triple, layout = machine(target, generation)
    module = parse(ir, verify=verify)
    module.triple, module.data_layout = triple, layout
    passes(module, made)
    return module, made


def object_code(ir: str, target: Target | None, level: int, verify: bool = False) -> bytes:
    """An ELF object of the text. EmitError: LLVM rejects it."""
    module, made = _optimize(ir, target, level, verify)
    return bytes(made.emit_object(module))


def warm_up() -> None:
    """Have LLVM set up what every compile needs: 8 ms that the first one need not wait for."""
    object_code("define i64 @f(ptr %p) {\n  %v = load i64, ptr %p\n  %r = call i64 %p(i64 %v)\n  ret i64 %r\n}", None, 0)


def assembly(ir: str, target: Target | None, level: int) -> str:
    """The assembly text of what `object_code` gives."""
    module, made = _optimize(ir, target, level, False)
    return str(made.emit_assembly(module))


def optimized(ir: str, target: Target | None, level: int) -> str:
    """The IR that the passes leave."""
    return str(_optimize(ir, target, level, False)[0])
