"""IR text to an ELF object, through LLVM. The only module of the image room that imports llvmlite.

Targets are named as LLVM names them. `host_target()` is the machine that runs; `BASELINES` are the CPUs that release
images are made for. Vectorizers are off: the image's loops are short, and vector code is several times their size.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import llvmlite.binding as llvm

from wasmjit.native.target import EmitError, Target

STRAIGHT = "; straight-line code"  # a text that begins so gains nothing from the full pipeline, which takes six times as long
_LOCATION = re.compile(r"<string>:(\d+):\d+: error: ([^\n]*)")
_ASSEMBLY = re.compile(r'^module asm "(.*)"$', re.MULTILINE)
_SYMBOL = re.compile(r"[\w.$]+")
_CONTEXT = 3  # lines shown before and after an offending one
_ERRORS_SHOWN = 5


@cache
def host_target() -> Target:
    """The machine that runs, with every feature of its processor."""
    _initialize(cross=False)
    return Target(llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


@cache
def _initialize(cross: bool) -> None:
    if cross:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    else:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.initialize_native_asmparser()


def target_machine(target: Target | None = None, *, level: int = 2) -> llvm.TargetMachine:
    """LLVM's target machine for a target (None: the host); level is its code generation level, 0..3."""
    target = target or host_target()
    host = host_target()
    _initialize(cross=target.machine != host.machine)
    try:
        found = llvm.Target.from_triple(target.triple or host.triple)
    except RuntimeError as error:
        raise EmitError(f"unknown target {target.triple!r}: {error}") from error
    return found.create_target_machine(cpu=target.cpu, features=target.features, opt=level, reloc="pic", codemodel="small")


def emit(
    ir: str | Sequence[str],
    target: Target | None = None,
    *,
    level: int = 2,
    vectorize: bool = False,
    entries: Callable[[str], bool] | None = None,
) -> bytes:
    """Compile IR text, or several texts linked to one module, to a relocatable ELF object.

    level: 0..3, of the optimization pipeline and of code generation; 0 runs no pipeline. entries: tells the names of the
    functions that are entered from outside; functions that neither they nor assembly text reach are left out, and those
    inlined everywhere too. None keeps all. Raises EmitError.
    """
    machine = target_machine(target, level=level)
    texts = [ir] if isinstance(ir, str) else ir
    module = _link(texts)
    if entries is not None:
        _internalize(module, texts, entries)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    if level and all(text.startswith(STRAIGHT) for text in texts):
        passes = llvm.create_new_module_pass_manager()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
        passes.add_instruction_combine_pass()
        passes.add_simplify_cfg_pass()
        passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=level)))
    elif level:
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        options.loop_vectorization = options.slp_vectorization = vectorize
        options.loop_unrolling = vectorize
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _link(texts: Sequence[str]) -> llvm.ModuleRef:
    module, *others = [parse(text) for text in texts]
    for other in others:
        try:
            module.link_in(other)
        except RuntimeError as error:
            raise EmitError(f"LLVM cannot link the IR texts: {error}") from None
    return module


def _internalize(module: llvm.ModuleRef, texts: Sequence[str], entries: Callable[[str], bool]) -> None:
    """Hide functions from other objects, so that LLVM may drop them. It does not see what assembly text refers to."""
    assembly = {word for text in texts for line in _ASSEMBLY.findall(text) for word in _SYMBOL.findall(line)}
    for function in module.functions:
        if not function.is_declaration and function.name not in assembly and not entries(function.name):
            function.linkage = "internal"


def parse(ir: str, *, verify: bool = True) -> llvm.ModuleRef:
    """The module of an IR text; verify: check that it is well formed beyond its syntax. Raises EmitError."""
    try:
        module = llvm.parse_assembly(ir)
        if verify:
            module.verify()
    except RuntimeError as error:
        raise EmitError(_explain(ir, str(error))) from None
    return module


def _explain(ir: str, message: str) -> str:
    """LLVM's message with the lines of `ir` it is about.

    The parser names a line. The verifier prints instructions, whose text is looked up as it would stand in the source.
    """
    lines = ir.splitlines()
    located = _LOCATION.search(message)
    if located:
        at = int(located[1]) - 1
        return f"LLVM rejects the IR: {located[2]}\n{_excerpt(lines, at)}"
    wanted = {_plain(line) for line in message.splitlines() if line.startswith("  ")}
    hits = [i for i, line in enumerate(lines) if _plain(line) in wanted][:_ERRORS_SHOWN]
    return "\n".join([f"LLVM rejects the IR: {message.strip()}", *(_excerpt(lines, i) for i in hits)])


def _plain(line: str) -> str:
    return re.sub(r"\s+", "", line.partition(";")[0])


def _excerpt(lines: list[str], at: int) -> str:
    """A few lines around `at`, headed by the function they stand in."""
    head = next((lines[i] for i in range(min(at, len(lines) - 1), -1, -1) if lines[i].startswith("define")), "module level")
    shown = range(max(0, at - _CONTEXT), min(len(lines), at + _CONTEXT + 1))
    return "\n".join([f"  in {head}", *(f"{'>' if i == at else ' '} {i + 1:6} {lines[i]}" for i in shown)])
