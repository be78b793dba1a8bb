"""`wasmjit info`: what a module holds and needs."""

import wasmjit
from wasmjit._image import native
from wasmjit._module import KINDS
from wasmjit._sections import MAGIC, function_names, local_names, module_name, producers, sections
from wasmjit._types import PAGE
from wasmjit._wat import assemble, is_text
from wasmjit.cli._options import Command, UsageError, parse
from wasmjit.cli._program import in_file
from wasmjit.cli._providers import provider
from wasmjit.cli._report import ERROR, reason, report
from wasmjit.cli._terminal import fail, printable, require_stdout
from wasmjit.cli._values import show_size
from wasmjit.emscripten.recognise import MAINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wasmjit._sections import Section

COMMAND = Command(
    "info",
    "show a module's sections, imports and who provides them, exports, toolchain and the features it needs",
    usage="MODULE...",
    example="wasmjit info examples/hello.wasm",
)


def main(argv: list[str]) -> int:
    """Describe each module. Of one that cannot be run the sections are shown, and why; the exit code is then 1."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    _, paths = parsed
    if not paths:
        raise UsageError("no module to look at", COMMAND)
    require_stdout()
    return max([describe(path) for path in paths])


def describe(path: str) -> int:
    """Print what is in the file; the exit code for it."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        fail(reason(error))
        return ERROR
    print(printable(f"{path}: {len(data)} bytes"))
    try:
        if is_text(data):
            data = assemble(data)
        if data.startswith(MAGIC):
            describe_binary(data)
        module = wasmjit.Module(data)
    except wasmjit.CompileError as error:
        return report(in_file(path, error))
    describe_module(module)
    return 0


def describe_binary(data: bytes) -> None:
    """Print what the bytes tell, also of a module that is not valid here: sections, names, tools."""
    found: list[Section] = []
    lines = []
    try:
        for section in sections(data):
            found.append(section)
            lines.append(str(section))
    except ValueError:
        lines.append(f"cut short at byte {len(data)}")
    print_list("sections", lines)
    customs = {section.name: section.content for section in reversed(found) if section.kind == 0}
    print_list("names", names(customs.get("name", b"")))
    print_list("producers", tools(customs.get("producers", b"\0")))


def names(content: bytes) -> "Iterator[str]":
    """What a name section names."""
    own = module_name(content)
    if own is not None:
        yield f"module: {own}"
    for title, found in (("functions", function_names(content)), ("functions with names of locals", local_names(content))):
        if found:
            yield f"{title}: {len(found)}"


def tools(content: bytes) -> "Iterator[str]":
    """What a producers section tells, as far as it makes sense."""
    try:
        for field, tool in producers(content):
            yield f"{field}: {tool}"
    except ValueError:
        yield "cut short"


def describe_module(module: wasmjit.Module) -> None:
    """Print what a valid module is to its users."""
    print_list("kind", [kind(module)])
    start = native().mod_counts(module.address)[-1]
    if start >= 0:
        print_list("start function", [f"{module.func_name(start) or 'without name'}, function {start}"])
    print_list("memories", memories(module))
    print_list("imports", [f"{wanted}  [{provider(module, wanted) or 'not provided'}]" for wanted in module.imports])
    print_list("exports", map(str, module.exports))
    print_list("features", [", ".join(module.features)] if module.features else [])


def kind(module: wasmjit.Module) -> str:
    """What the module is by the conventions of WASI (application ABI)."""
    exported = {export.name for export in module.exports if export.kind == "func"}
    if "_start" in exported:
        return "command: a program, which _start runs"
    if "_initialize" in exported:
        return "reactor: a library, which _initialize makes ready"
    if emscripten(module):
        return "Emscripten's program, whose main is called" if exported & set(MAINS) else "Emscripten's library, made ready by itself"
    return "library: its exports are ready at once"


def emscripten(module: wasmjit.Module) -> bool:
    """Whether Emscripten's support functions are given to the module."""
    from wasmjit.emscripten.recognise import recognised

    return recognised(native().mod_imports(module.address), [export.name for export in module.exports])


def memories(module: wasmjit.Module) -> "Iterator[str]":
    """The limits of each memory, in bytes."""
    for index in range(native().mod_counts(module.address)[3]):
        low, high, _ = native().mod_type(module.address, KINDS.index("memory"), index)
        yield f"{show_size(low * PAGE)}, {'no maximum' if high is None else f'at most {show_size(high * PAGE)}'}"


def print_list(title: str, lines: "Iterable[str]") -> None:
    """Print a heading and the lines below it, or that there are none."""
    print(f"{title}:", *([printable(line, newlines=False) for line in lines] or ["none"]), sep="\n  ")
