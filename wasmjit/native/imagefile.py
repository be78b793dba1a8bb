"""The image file and its loader. On the run path: imports nothing but `_ctypes`, `_imp`, `posix`.

The file is the memory: header, code, read-only data, relro words, variables (see `elf`), then the lists that start-up
code works through. It is mapped privately in one piece, read-execute; the two writable parts are then made read-write,
the image links itself (`startup`), and the relro part becomes read-only. No page is ever writable and executable.
Where the file cannot be mapped executable, or comes from memory, the same happens in anonymous memory.

The header is little-endian 64-bit words: MAGIC, digest, then the words named below. The digest is SipHash-1-3 of
everything behind it: it finds damage, not malice. Trust comes from where the file lies (`cache`).
"""

import _ctypes
import _imp
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAGIC = int.from_bytes(b"wjimage\x02", "little")
HEAD = 4096  # bytes of the header
WORDS = 32
(
    _MAGIC, DIGEST,
    SIZE, MACHINE,  # bytes of the file; e_machine
    KEY, STAMP,  # of the contents of the source files; of their sizes, times and inodes
    RELRO, DATA, LISTS,  # where the parts start
    LINK, EXPORTS,  # entry points
    RELOCATIONS, RELOCATION_COUNT, IMPORTS, IMPORT_COUNT,
    TABLE, TABLE_SIZE,  # marshalled function table
    SOURCES, SOURCES_SIZE,  # paths of the source files, one a line, relative to the package
) = range(19)  # fmt: skip
DIGESTED = 16  # the digest covers the bytes from here on
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}

_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_POPULATE = 2, 0x20, 0x8000
_EPERM, _EACCES = 1, 13
_PyBUF_READ = 0x100
_FAILED = (1 << 64) - 1
_BYTES_HEADER = bytes.__basicsize__ - 1  # where the bytes of a bytes object are


class ImageError(ImportError):
    """The bytes are no image for this machine, or damaged, or stale, or need what this process lacks."""


class Image:
    """A loaded image: its attributes are its exports, CPython builtins. It stays in memory as long as the process."""

    if TYPE_CHECKING:
        _mapping: tuple[int, int, list[int]]  # base, bytes, header words

        def __getattr__(self, name: str) -> Any: ...


class _Word(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """Every argument and result: an unsigned register. The callee looks at the low half where it takes an int."""

    _type_ = "L"


class _Function(_ctypes.CFuncPtr):
    _flags_ = 1 | 8  # C convention, errno kept, GIL released
    _restype_ = _Word


class _PythonFunction(_ctypes.CFuncPtr):
    _flags_ = 1 | 4  # C convention, GIL held, exceptions checked
    _restype_ = type("_Object", (_ctypes._SimpleCData,), {"_type_": "O"})


_process = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]


def _function(name: str, count: int, kind: type[_ctypes.CFuncPtr] = _Function) -> _ctypes.CFuncPtr:
    """A C function of this process that takes `count` words."""
    function = kind(_ctypes.dlsym(_process, name))
    function.argtypes = (_Word,) * count
    return function


_mmap = _function("mmap", 6)
_mprotect = _function("mprotect", 3)
_munmap = _function("munmap", 2)
_view = _function("PyMemoryView_FromMemory", 3, _PythonFunction)


def digest_written(descriptor: int) -> int:
    """The digest that stands in the header of an image in an open file; 0 without one."""
    return int.from_bytes(posix.pread(descriptor, 8, 8 * DIGEST), "little")


def digest(data: bytes | bytearray | memoryview) -> int:
    """The digest of an image's bytes, without those before DIGESTED."""
    return int.from_bytes(_imp.source_hash(0, memoryview(data)[DIGESTED:]), "little")


def check(data: bytes | memoryview, sealed: bool = False) -> list[int]:
    """The header words of the image in a buffer. Raises ImageError if it is not whole or not for this machine.

    sealed: it is known as undamaged: the digest is not computed.
    """
    if len(data) < HEAD:
        raise ImageError("too short for an image")
    words = memoryview(data)[: 8 * WORDS].cast("Q").tolist()
    if words[_MAGIC] != MAGIC:
        raise ImageError("no image, or of another version")
    if words[SIZE] != len(data):
        raise ImageError(f"{len(data)} bytes instead of {words[SIZE]}")
    if words[MACHINE] != ELF_MACHINES.get(posix.uname().machine):
        raise ImageError("made for another machine")
    if not sealed and words[DIGEST] != digest(data):
        raise ImageError("damaged")
    return words


def sources(data: bytes | memoryview, words: list[int]) -> list[str]:
    """Paths of the files an image was made from, relative to the package."""
    return bytes(data[words[SOURCES] : words[SOURCES] + words[SOURCES_SIZE]]).decode().split("\n")


def stamped(data: bytes, stamp: int) -> bytes:
    """The image with another stamp."""
    changed = bytearray(data)
    changed[8 * STAMP : 8 * STAMP + 8] = stamp.to_bytes(8, "little")
    changed[8 * DIGEST : 8 * DIGEST + 8] = digest(changed).to_bytes(8, "little")
    return bytes(changed)


def load_file(descriptor: int, accept: "Callable[[memoryview, list[int]], bool] | None" = None, sealed: bool = False) -> Image:
    """Load the image in an open file, wherever its offset stands.

    accept: called with the bytes and header words of the intact image; false refuses it. sealed: see `check`.
    Raises ImageError, OSError.
    """
    size = posix.fstat(descriptor).st_size
    if size < HEAD:
        raise ImageError("too short for an image")
    base = _map(size, _PROT_READ | _PROT_EXEC, _MAP_PRIVATE | (0 if sealed else _MAP_POPULATE), descriptor)
    if base == _FAILED:
        return load_bytes(posix.pread(descriptor, size, 0), accept)
    try:
        words = _accepted(_view(base, size, _PyBUF_READ), accept, sealed)
    except ImageError:
        _munmap(base, size)
        raise
    return _start(base, size, words)


def load_bytes(data: bytes, accept: "Callable[[memoryview, list[int]], bool] | None" = None) -> Image:
    """Load the image in a bytes object; see `load_file`."""
    words = _accepted(memoryview(data), accept)
    size = len(data)
    base = _anonymous(data)
    for start, end in ((0, words[RELRO]), (words[LISTS], size)):
        _protect(base + start, end - start, _PROT_READ | _PROT_EXEC)
    return _start(base, size, words)


def functions(image: Image) -> dict[str, tuple[int, int]]:
    """Every function of a loaded image: name -> (address, bytes). For profilers and disassembly."""
    import marshal

    base, size, words = image._mapping
    table = marshal.loads(_view(base, size, _PyBUF_READ)[words[TABLE] : words[TABLE] + words[TABLE_SIZE]])
    return {name: (base + offset, length) for name, (offset, length) in table.items()}


def code_range(image: Image) -> tuple[int, int]:
    """First address and end of a loaded image's code and read-only data."""
    base, _, words = image._mapping
    return base, base + words[RELRO]


def call_code(code: bytes, count: int) -> list[int]:
    """Run position-independent machine code `void f(u32 out[count])` once; the numbers it wrote."""
    base = _anonymous(code)
    try:
        _protect(base, len(code), _PROT_READ | _PROT_EXEC)
        out = bytes(4 * count)  # nobody else can see this object yet: the code may write into it
        _call(base, id(out) + _BYTES_HEADER)
        return memoryview(out).cast("I").tolist()
    finally:
        _munmap(base, len(code))


def auxiliary(kind: int) -> int:
    """A value of the auxiliary vector: getauxval(kind)."""
    return int(_function("getauxval", 1)(kind))


def _accepted(data: memoryview, accept: "Callable[[memoryview, list[int]], bool] | None", sealed: bool = False) -> list[int]:
    words = check(data, sealed)
    if accept is not None and not accept(data, words):
        raise ImageError("made from other sources")
    return words


def _map(size: int, protection: int, flags: int, descriptor: int) -> int:
    """Address of a new mapping; _FAILED if the file system forbids execution."""
    base: int = _mmap(0, size, protection, flags, descriptor, 0)
    if base == _FAILED:
        error = _ctypes.get_errno()
        if descriptor < 0 or error not in (_EPERM, _EACCES):
            raise OSError(error, posix.strerror(error))
    return base


def _anonymous(data: bytes) -> int:
    """Address of a writable copy of `data` in memory of its own."""
    base = _map(len(data), _PROT_READ | _PROT_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS, -1)
    _function("memcpy", 3)(base, id(data) + _BYTES_HEADER, len(data))
    return base


def _protect(address: int, size: int, protection: int) -> None:
    if size and _mprotect(address, size, protection) & 0xFFFFFFFF:
        error = _ctypes.get_errno()
        raise OSError(error, posix.strerror(error))


def _start(base: int, size: int, words: list[int]) -> Image:
    relro, data, lists = words[RELRO], words[DATA], words[LISTS]
    _protect(base + relro, lists - relro, _PROT_READ | _PROT_WRITE)
    missing = _call(base + words[LINK], base, _ctypes.dlsym(_process, "dlsym"))
    if missing:
        name = bytes(_view(missing, base + size - missing, _PyBUF_READ)).partition(b"\0")[0].decode()
        raise ImageError(f"this process lacks {name}")
    _protect(base + relro, data - relro, _PROT_READ)
    image = Image()
    _call(base + words[EXPORTS], id(image.__dict__), kind=_PythonFunction)
    image._mapping = (base, size, words)
    return image


def _call(address: int, *arguments: int, kind: type[_ctypes.CFuncPtr] = _Function) -> int:
    function = kind(address)
    function.argtypes = (_Word,) * len(arguments)
    return function(*arguments)  # type: ignore[no-any-return]
