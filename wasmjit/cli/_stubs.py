"""The text of a stub file (PEP 484) for a module: one class for its instance, its exports and each namespace it imports.

Names come from the module and may be anything: what is no attribute is reached by item and listed in a comment, strings are escaped,
and a name in a class must not hide one that the lines below it mean. So each exported function has a class of its own, whose name is
nobody else's, and the class of exports mentions nothing but those and the package.
"""

from keyword import iskeyword
from re import findall, sub
from unicodedata import normalize

import wasmjit
from wasmjit._functype import FuncType
from wasmjit._image import native
from wasmjit._sections import local_names
from wasmjit._types import GlobalType, MemoryType
from wasmjit.cli._providers import UNKNOWN, provider
from wasmjit.runtime.functions import ANNOTATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmjit._types import ExternType

BUILTINS = {"float", "int", "object", "property", "tuple"}  # what namespaces are written with
OPTIONS = "timeout: float | None = None, fuel: int | None = None"  # keywords of Func.__call__
ESCAPES = {'"': '\\"', "\\": "\\\\"}
METHODS = {  # of exports; those whose name is exported are hidden by what is
    "get": "(self, name: str, default: Any = None) -> Any",
    "keys": "(self) -> list[str]",
    "values": "(self) -> list[Any]",
    "items": "(self) -> list[tuple[str, Any]]",
}


def stub(module: wasmjit.Module, file: str) -> str:
    """The stub of a module that is in a file of this name."""
    return _Stub(module, file).text()


def is_name(text: str) -> bool:
    """Whether Python finds this name as an attribute or a parameter when it is written in a program."""
    return text.isidentifier() and not iskeyword(text) and text != "__debug__" and normalize("NFKC", text) == text


def is_attribute(text: str) -> bool:
    """The same, for a class: names like `__len__` mean something else there."""
    return is_name(text) and not (text.startswith("__") and text.endswith("__"))


def quoted(text: str) -> str:
    """A string literal on one line."""
    shown = [char if char.isprintable() and char not in ESCAPES else ESCAPES.get(char, ascii(char)[1:-1]) for char in text]
    return f'"{"".join(shown)}"'


def docstring(text: str) -> str:
    """A docstring on one line."""
    return f'""{quoted(text)}""'


def unused(name: str, taken: set[str]) -> str:
    """The name, or one like it that is not taken; it is taken from then on."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


class _Stub:
    """Makes the text, piece by piece."""

    def __init__(self, module: wasmjit.Module, file: str) -> None:
        self.file = file
        self.exports = list(module.exports)
        self.functions = [index for _, _, index in native().mod_exports(module.address)]
        rows = zip(module.imports, native().mod_imports(module.address), strict=True)
        self.imports = [(wanted, row[3]) for wanted, row in rows if provider(module, wanted) in (None, UNKNOWN)]
        self.locals = local_names(module.custom_sections.get("name", b""))
        inside = {wanted.name for wanted, _ in self.imports}
        self.hidden = BUILTINS & inside  # names that a class has something else under
        self.taken = inside | {row.name for row in self.exports}
        self.package = unused("wasmjit", self.taken)
        self.builtins = unused("builtins", self.taken)
        self.title = class_name(file.rpartition(".")[0] or file) or "Module"
        self.taken |= {self.title, f"{self.title}Exports", f"{self.title}Imports", f"_{self.title}Items"}
        self.typing = {"Any"}
        self.classes: dict[str, str] = {}  # of exports by their names

    def text(self) -> str:
        """All of it."""
        functions = list(self.function_classes())
        body = [*self.items(), *self.attributes(), *self.instance(), *self.namespaces(), *functions]
        title = f"Types of {self.file} for type checkers, written by `wasmjit stubs`; write it anew when the module changes."
        head = [docstring(title), ""]
        if self.hidden:
            head.append(f"import builtins as {self.builtins}")
        head += ["from collections.abc import Iterator", f"from typing import {', '.join(sorted(self.typing))}", ""]
        head.append("import wasmjit" if self.package == "wasmjit" else f"import wasmjit as {self.package}")
        return "\n".join([*head, *body]) + "\n"

    def function_classes(self) -> "Iterator[str]":
        """A class for each exported function; `classes` has them and those of the other exports from then on."""
        for row, index in zip(self.exports, self.functions, strict=True):
            if not isinstance(row.type, FuncType):
                self.classes[row.name] = self.item(row.type)
                continue
            name = self.classes[row.name] = unused("_func_" + sub(r"\W", "_", normalize("NFKC", row.name)), self.taken)
            parameters = self.parameters(row.type, index, {"self", "timeout", "fuel"}, given=True)
            yield from ("", f"class {name}({self.package}.Func):", f"    {docstring(str(row))}", "")
            yield f"    def __call__({', '.join(['self', *parameters, '*', OPTIONS])}) -> {self.results(row.type, given=False)}: ..."

    def items(self) -> "Iterator[str]":
        """The class with what all exports can do, and the items that are no attributes."""
        others = [row for row in self.exports if not is_attribute(row.name)]
        yield from ("", f"class _{self.title}Items:")
        for row in others:
            self.typing |= {"Literal", "overload"}
            yield f"    @overload  # {row.type}"
            yield f"    def __getitem__(self, name: Literal[{quoted(row.name)}]) -> {self.classes[row.name]}: ..."
        if others:
            yield "    @overload"
        yield "    def __getitem__(self, name: str) -> Any: ..."
        yield "    def __contains__(self, name: object) -> bool: ..."
        yield "    def __iter__(self) -> Iterator[str]: ..."
        yield "    def __len__(self) -> int: ..."
        for name, signature in METHODS.items():
            if name not in self.classes:
                yield f"    def {name}{signature}: ..."

    def attributes(self) -> "Iterator[str]":
        """The class of the exports."""
        yield from ("", f"class {self.title}Exports(_{self.title}Items):", f"    {docstring(f'What {self.file} exports.')}", "")
        for row in self.exports:
            if is_attribute(row.name):
                yield f"    {row.name}: {self.classes[row.name]}  # {row.type}"

    def instance(self) -> "Iterator[str]":
        """The class of the instance."""
        made = f"typing.cast('{self.title}', wasmjit.load({self.file!r}{', imports' if self.imports else ''}))"
        yield from ("", f"class {self.title}({self.package}.Instance):", f"    {docstring(f'An instance of {self.file}: {made}')}", "")
        yield from ("    @property", f"    def exports(self) -> {self.title}Exports: ...  # type: ignore[override]")

    def namespaces(self) -> "Iterator[str]":
        """A protocol for each namespace, with what nobody provides unasked, and the mapping of them all."""
        found: dict[str, str] = {}
        for space in dict.fromkeys(wanted.module for wanted, _ in self.imports):
            found[space] = unused(self.title + (class_name(space) or "Namespace"), self.taken)
            yield from self.namespace(found[space], space)
        if found:
            self.typing |= {"Protocol", "TypedDict"}
            rows = ", ".join(f"{quoted(space)}: {name}" for space, name in found.items())
            yield from ("", f'{self.title}Imports = TypedDict("{self.title}Imports", {{{rows}}})')

    def namespace(self, name: str, space: str) -> "Iterator[str]":
        """The protocol of one namespace: read-only properties, which attributes and properties of any class fit, and methods."""
        yield from ("", f"class {name}(Protocol):", f"    {docstring(f'What {self.file} imports from {space!r}.')}")
        seen: set[str] = set()
        for wanted, index in self.imports:
            if wanted.module != space:
                continue
            yield ""
            if wanted.name in seen or not is_attribute(wanted.name):
                yield f"    # {'again' if wanted.name in seen else 'not as an attribute'}: {quoted(wanted.name)}, {wanted.type}"
                continue
            seen.add(wanted.name)
            if isinstance(wanted.type, FuncType):
                parameters = self.parameters(wanted.type, index, {"self"}, given=False)
                yield f"    def {wanted.name}({', '.join(['self', *parameters])}) -> {self.results(wanted.type, given=True)}:"
            else:
                yield from (f"    @{self.builtin('property')}", f"    def {wanted.name}(self) -> {self.item(wanted.type, given=True)}:")
            yield f"        {docstring(str(wanted.type))}"

    def builtin(self, name: str) -> str:
        """How to write a name of Python's."""
        return f"{self.builtins}.{name}" if name in self.hidden else name

    def value(self, valtype: str, given: bool) -> str:
        """The Python type of a value: one given to WebAssembly, or one that it gives."""
        if valtype == "funcref":
            return f"{self.package}.Func | {self.package}.HostFunc | None" if given else f"{self.package}.Func | None"
        return self.builtin(ANNOTATIONS.get(valtype, object).__name__)

    def item(self, type: "ExternType", given: bool = False) -> str:
        """The Python type of a memory, table or global; an immutable global may be given as a number."""
        if isinstance(type, MemoryType):
            return f"{self.package}.Memory"
        if not isinstance(type, GlobalType):
            return f"{self.package}.Table"
        number = given and not type.mutable and not type.type.endswith("ref")
        return f"{self.package}.Global" + (f" | {self.value(type.type, True)}" if number else "")

    def parameters(self, type: FuncType, index: int, reserved: set[str], given: bool) -> list[str]:
        """The parameters, by position only, with their names in the module where those are names for Python."""
        names = self.locals.get(index, {})
        texts = [names.get(i, "") for i in range(len(type.params))]
        taken = reserved | {text for text in texts if is_name(text)}
        used = []
        for i, text in enumerate(texts):
            good = is_name(text) and text not in reserved and text not in texts[:i]
            used.append(text if good else unused(f"arg{i}", taken))
        return [*[f"{name}: {self.value(kind, given)}" for name, kind in zip(used, type.params, strict=True)], "/"] if used else []

    def results(self, type: FuncType, given: bool) -> str:
        """What a call returns; what a host function without results returns is of no interest."""
        values = [self.value(valtype, given) for valtype in type.results]
        if not values:
            return self.builtin("object") if given else "None"
        return values[0] if len(values) == 1 else f"{self.builtin('tuple')}[{', '.join(values)}]"


def class_name(text: str) -> str:
    """`hello-c_wasi` as HelloCWasi; empty where nothing of the text can be in a name."""
    words = "".join(word[0].upper() + word[1:] for word in findall(r"[A-Za-z0-9]+", text))
    return f"Module{words}" if words[:1].isdigit() else words
