"""`wasmjit info`: what a module holds and needs."""

import wasmjit
from wasmjit._wat import assemble, is_text
from wasmjit.cli._options import Command, UsageError, parse
from wasmjit.cli._report import report
from wasmjit.cli._terminal import require_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMAND = Command(
    "info",
    "show a module's sections, imports, exports and the features it needs",
    usage="MODULE...",
    example="wasmjit info examples/hello.wasm",
)
MAGIC = b"\0asm\1\0\0\0"
# names by section id, spec 5.5.2
SECTIONS = "custom,type,import,function,table,memory,global,export,start,element,code,data,data count,tag".split(",")


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
    with open(path, "rb") as file:
        data = file.read()
    print(f"{path}: {len(data)} bytes")
    try:
        if is_text(data):
            data = assemble(data)
        if data.startswith(MAGIC):
            print_list("sections", sections(data))
        module = wasmjit.Module(data)
    except wasmjit.CompileError as error:
        return report(error)
    print_list("imports", map(str, module.imports))
    print_list("exports", map(str, module.exports))
    print_list("features", [", ".join(module.features)] if module.features else [])
    return 0


def print_list(title: str, lines: "Iterable[str]") -> None:
    """Print a heading and the lines below it, or that there are none."""
    print(f"{title}:", *(list(lines) or ["none"]), sep="\n  ")


def sections(data: bytes) -> "Iterator[str]":
    """One line a section: its name, the number of its entries, offset and size of its content. Stops where the bytes make no sense."""
    position = len(MAGIC)
    while position < len(data):
        kind = data[position]
        size, start = leb128(data, position + 1)
        position = start + size
        if position > len(data):
            yield f"cut short at byte {len(data)}"
            return
        name = SECTIONS[kind] if kind < len(SECTIONS) else f"section {kind}"
        number, after = leb128(data, start)
        if kind == 0:
            name = f'custom "{data[after : min(after + number, position)].decode("utf-8", "backslashreplace")}"'
        entries = "" if name.startswith(("custom", "start", "data count")) else number
        yield f"{name:<28}{entries:>8}{size:>12} bytes at {start:#x}"


def leb128(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned LEB128 number (spec 5.2.2) of up to five bytes, and the position behind it."""
    value = 0
    for shift, byte in enumerate(data[position : position + 5]):
        value |= (byte & 0x7F) << (7 * shift)
        position += 1
        if byte < 0x80:
            break
    return value, position
