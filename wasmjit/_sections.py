"""Reading a module's bytes for people: its sections, and custom sections that tools write. The runtime itself needs none of it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\0asm\1\0\0\0"
# names by section id, spec 5.5.2
SECTIONS = "custom,type,import,function,table,memory,global,export,start,element,code,data,data count,tag".split(",")
UNCOUNTED = (0, 8, 12)  # custom, start, data count: no vectors
MODULE_NAME, FUNCTION_NAMES, LOCAL_NAMES = 0, 1, 2  # subsections of the name section


class Reader:
    """A position in bytes. ValueError: they end, or a number is no LEB128."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def __bool__(self) -> bool:
        """Whether there is more."""
        return self.position < len(self.data)

    def number(self) -> int:
        """An unsigned LEB128 number (spec 5.2.2) of up to 32 bits."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number is too long")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        taken = self.data[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError("cut short")
        self.position += count
        return taken

    def name(self) -> str:
        """A name; what is no UTF-8 in it is replaced."""
        return self.take(self.number()).decode("utf-8", "replace")

    def indexed(self) -> "Iterator[int]":
        """The indices of a map (spec appendix "Name Section"): the caller reads what stands behind each."""
        for _ in range(self.number()):
            yield self.number()


class Section:
    """One section: its id, the name of a custom one (else that of the id), offset and bytes of it, the number of its entries, if any.

    content: what it holds, without the name of a custom one.
    """

    __slots__ = ("content", "entries", "kind", "name", "nbytes", "start")

    def __init__(self, kind: int, start: int, content: bytes) -> None:
        self.kind = kind
        self.start = start
        self.nbytes = len(content)
        self.name = SECTIONS[kind] if kind < len(SECTIONS) else f"section {kind}"
        self.entries: int | None = None
        reader = Reader(content)
        try:
            if kind == 0:
                self.name = reader.name()
            elif kind not in UNCOUNTED:
                self.entries = Reader(content).number()
        except ValueError:
            pass
        self.content = content[reader.position :]

    def __str__(self) -> str:
        name = f'custom "{self.name}"' if self.kind == 0 else self.name
        entries = "" if self.entries is None else self.entries
        return f"{name:<28}{entries:>8}{self.nbytes:>12} bytes at {self.start:#x}"


def sections(data: bytes) -> "Iterator[Section]":
    """The sections of a binary that begins with MAGIC. ValueError where it stops making sense."""
    reader = Reader(data, len(MAGIC))
    while reader:
        kind = reader.take(1)[0]
        nbytes = reader.number()
        start = reader.position
        yield Section(kind, start, reader.take(nbytes))


def producers(content: bytes) -> "Iterator[tuple[str, str]]":
    """What the "producers" section (tool-conventions, ProducersSection.md) tells: (field, tool and version). ValueError as above."""
    reader = Reader(content)
    for _ in range(reader.number()):
        field = reader.name()
        for _ in range(reader.number()):
            yield field, f"{reader.name()} {reader.name()}".rstrip()


def subsections(content: bytes) -> dict[int, bytes]:
    """The parts of a name section by id, as far as it makes sense."""
    reader = Reader(content)
    found: dict[int, bytes] = {}
    try:
        while reader:
            kind = reader.take(1)[0]
            found.setdefault(kind, reader.take(reader.number()))
    except ValueError:
        pass
    return found


def module_name(content: bytes) -> str | None:
    """The module's own name, of a name section; None where it has none that makes sense."""
    try:
        return Reader(subsections(content)[MODULE_NAME]).name()
    except (KeyError, ValueError):
        return None


def function_names(content: bytes) -> dict[int, str]:
    """Names of functions by index, of a name section, as far as it makes sense."""
    reader = Reader(subsections(content).get(FUNCTION_NAMES, b"\0"))
    found: dict[int, str] = {}
    try:
        for index in reader.indexed():
            found[index] = reader.name()
    except ValueError:
        pass
    return found


def local_names(content: bytes) -> dict[int, dict[int, str]]:
    """Names of parameters and other locals by function and local index, of a name section, as far as it makes sense."""
    reader = Reader(subsections(content).get(LOCAL_NAMES, b"\0"))
    found: dict[int, dict[int, str]] = {}
    try:
        for function in reader.indexed():
            names = found[function] = {}
            for index in reader.indexed():
                names[index] = reader.name()
    except ValueError:
        pass
    return found
