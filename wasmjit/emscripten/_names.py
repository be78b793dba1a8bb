"""Short names: optimized builds call their imports a.a, a.b, ... and their exports likewise; only the JavaScript beside them knows which is
which. It is read here, not run: by the forms in which Emscripten has written it from 3.1 on, minified or not.
"""

import os
import re

from wasmjit._sections import MAGIC, Reader, sections
from wasmjit.emscripten.recognise import FUNCTION_TABLE
from wasmjit.wasi.table import PREVIEW1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmjit._config import Config
    from wasmjit._module import Module

SHORT = "a"  # the module of all imports in such a build
IMPORT, EXPORT = 2, 7  # sections
FUNC, TABLE, MEMORY, GLOBAL, TAG = range(5)
WIDE_VALUES = (0x63, 0x64)  # reference types with a heap type behind
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
IMPORTS = re.compile(r"\b(?:asmLibraryArg|wasmImports)\s*=\s*\{([^{}]*)\}")
ENTRY = re.compile(r"""(["']?)([\w$]+)\1\s*:\s*([\w$]+)\s*(?:,|$)""")
EXPORTS = r"""(?:Module\[["']asm["']\]|\basm|\bwasmExports)(?:\[["']([\w$]+)["']\]|\.([\w$]+)\b)"""
NAMED = re.compile(r"""([\w$]+)(?:["']\])?\s*=\s*""" + EXPORTS)
CONSTRUCTORS = re.compile(r"(?:addOnInit\(\s*" + EXPORTS + r"\s*\)|(?<![=(])" + EXPORTS + r"\(\s*\))")
OBJECTS = {"wasmMemory": "memory", "wasmTable": FUNCTION_TABLE}  # JavaScript's variables that no function of C is


class Glue:
    """The names that JavaScript beside a module gives to what the module imports and exports. text: that JavaScript.

    imports, exports: {short name: name}. ValueError: none is found, as in JavaScript that the Closure Compiler has rewritten; build without
    --closure then, or with --profiling-funcs, which keeps the names.
    """

    def __init__(self, text: str) -> None:
        lists = [ENTRY.findall(COMMENTS.sub("", found)) for found in IMPORTS.findall(text)]
        entries = max(lists, key=len, default=[])
        self.imports = {short: named(value) for _, short, value in entries}
        self.exports = {quoted or plain: named(name) for name, quoted, plain in NAMED.findall(text)}
        for match in CONSTRUCTORS.finditer(text):
            short = next(filter(None, match.groups()))
            self.exports.setdefault(short, "__wasm_call_ctors")
        if not self.imports or not self.exports:
            what = "imports" if not self.imports else "exports"
            raise ValueError(f"the JavaScript names no {what}: it is not Emscripten's, or rewritten by the Closure Compiler")

    def rename(self, binary: bytes) -> bytes:
        """The module with its real names. ValueError: an import that has none here, or no module."""
        if not binary.startswith(MAGIC):
            raise ValueError("not a WebAssembly module: its first bytes are others")
        pieces = [MAGIC]
        end = len(MAGIC)
        for section in sections(binary):
            start, end = end, section.start + section.nbytes
            if section.kind in (IMPORT, EXPORT):
                content = b"".join((self._imports if section.kind == IMPORT else self._exports)(Reader(section.content)))
                pieces.append(bytes([section.kind]) + leb(len(content)) + content)
            else:
                pieces.append(binary[start:end])
        return b"".join(pieces)

    def module(self, source: "str | os.PathLike[str] | bytes", *, config: "Config | None" = None) -> "Module":
        """A Module with real names, of a path or a binary. CompileError as Module, else as `rename`."""
        from wasmjit._module import Module

        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                source = file.read()
        return Module(self.rename(source), config=config)

    def _imports(self, reader: Reader) -> "Iterator[bytes]":
        count = reader.number()
        yield leb(count)
        for _ in range(count):
            space, name = reader.name(), reader.name()
            if space == SHORT:
                if name not in self.imports:
                    raise ValueError(f"the JavaScript has no name for the import {space}.{name}: it does not belong to this module")
                name = self.imports[name]
                space = "wasi_snapshot_preview1" if name in PREVIEW1 else "env"
            start = reader.position
            skip_type(reader)
            yield text(space) + text(name) + reader.data[start : reader.position]

    def _exports(self, reader: Reader) -> "Iterator[bytes]":
        count = reader.number()
        yield leb(count)
        for _ in range(count):
            name = reader.name()
            kind, index = reader.take(1), reader.number()
            yield text(self.exports.get(name, name)) + kind + leb(index)


def glue(path: "str | os.PathLike[str]") -> Glue:
    """The names in a file of JavaScript. OSError as open() raises it, ValueError as `Glue`."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return Glue(file.read())


def named(variable: str) -> str:
    """The name in C of a variable in JavaScript, which has an underscore before it unless JavaScript has defined the function."""
    return OBJECTS.get(variable) or (variable[1:] if variable.startswith("_") else variable)


def skip_type(reader: Reader) -> None:
    """Go behind the type of an import (spec 5.5.5)."""
    kind = reader.take(1)[0]
    if kind in (TABLE, GLOBAL) and reader.take(1)[0] in WIDE_VALUES:
        reader.number()
    if kind in (GLOBAL, TAG):
        reader.take(1)
    if kind in (FUNC, TAG):
        reader.number()
    elif kind in (TABLE, MEMORY):
        flags = reader.number()
        reader.number()
        if flags & 1:
            reader.number()


def text(name: str) -> bytes:
    """A name as in a binary."""
    encoded = name.encode()
    return leb(len(encoded)) + encoded


def leb(value: int) -> bytes:
    """An unsigned LEB128 number (spec 5.2.2)."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
