"""Makes images: restricted Python and IR text -> image file bytes. Needs llvmlite; never on the run path."""

import marshal
import re
import struct
from collections.abc import Sequence
from types import ModuleType

from wasmjit.native import imagefile
from wasmjit.native.flatten import Flat, flatten
from wasmjit.native.objects import emit_objects
from wasmjit.native.sources import Snapshot
from wasmjit.native.startup import startup_ir
from wasmjit.native.target import Target

NO_SOURCES = Snapshot([], 0, 0)
_EXPORT = re.compile(r"^define\b[^@\n]*@py_(\w+)\(", re.MULTILINE)


def image_ir(modules: Sequence[ModuleType], extra_ir: Sequence[str] = ()) -> list[str]:
    """The IR texts of an image: the restricted modules', the extra ones, start-up code for the exports of all."""
    texts = list(extra_ir)
    if modules:
        from wasmjit.native.compiler import compile_modules

        texts.insert(0, compile_modules(list(modules)))
    exports = [name for text in texts for name in _EXPORT.findall(text)]
    return [*texts, startup_ir(exports)]


def build_image(
    modules: Sequence[ModuleType], extra_ir: Sequence[str] = (), *, target: Target | None = None, sources: Snapshot = NO_SOURCES
) -> bytes:
    """Compile restricted modules and IR texts to the bytes of an image file.

    target: None for the host; sources: the files that the image depends on. Raises
    EmitError, FlattenError, and the compiler's errors.
    """
    objects = emit_objects(image_ir(modules, extra_ir), target, _entered)
    return pack(flatten(objects, head=imagefile.HEAD), sources)


def _entered(name: str) -> bool:
    return name.startswith("py_") or name in ("image_link", "image_exports")


def build_and_load(modules: Sequence[ModuleType], extra_ir: Sequence[str] | str = ()) -> imagefile.Image:
    """Build an image in memory, without the cache, and load it: its attributes are the exports. For tests."""
    return imagefile.load_bytes(build_image(modules, [extra_ir] if isinstance(extra_ir, str) else extra_ir))


def pack(flat: Flat, sources: Snapshot = NO_SOURCES) -> bytes:
    """The bytes of an image file: the flattened object, the lists behind it, the header filled in."""
    blob = bytearray(flat.blob)
    words = dict.fromkeys(range(imagefile.WORDS), 0)
    words[imagefile.LISTS] = len(blob)
    relocations = struct.pack(f"<{len(flat.relocations)}I", *flat.relocations)
    words[imagefile.RELOCATIONS], words[imagefile.RELOCATION_COUNT] = len(blob), len(flat.relocations)
    blob += relocations
    words[imagefile.IMPORTS], words[imagefile.IMPORT_COUNT] = len(blob), len(flat.imports)
    blob += _import_list(flat.imports, len(blob))
    table = marshal.dumps({name: tuple(function) for name, function in flat.functions.items()})
    words[imagefile.TABLE], words[imagefile.TABLE_SIZE] = len(blob), len(table)
    blob += table
    paths = "\n".join(sources.paths).encode()
    words[imagefile.SOURCES], words[imagefile.SOURCES_SIZE] = len(blob), len(paths)
    blob += paths
    blob += bytes(-len(blob) % flat.machine.page)
    words |= {
        0: imagefile.MAGIC,
        imagefile.SIZE: len(blob),
        imagefile.MACHINE: flat.machine.elf,
        imagefile.KEY: sources.contents,
        imagefile.STAMP: sources.stamp,
        imagefile.RELRO: flat.relro,
        imagefile.DATA: flat.data,
        imagefile.LINK: flat.symbols["image_link"],
        imagefile.EXPORTS: flat.symbols["image_exports"],
    }
    struct.pack_into(f"<{imagefile.WORDS}Q", blob, 0, *words.values())
    struct.pack_into("<Q", blob, 8 * imagefile.DIGEST, imagefile.digest(blob))
    return bytes(blob)


def _import_list(imports: list[tuple[str, int]], at: int) -> bytes:
    """Pairs of u32 (offset of the name, offset of the word), then the NUL-terminated names; `at` is the list's own offset."""
    pairs, names = bytearray(), bytearray()
    for name, word in imports:
        pairs += struct.pack("<II", at + 8 * len(imports) + len(names), word)
        names += name.encode() + b"\0"
    return bytes(pairs + names)
