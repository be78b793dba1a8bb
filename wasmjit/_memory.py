"""`Memory`: a linear memory as Python reads and writes it."""

from ._image import native
from .runtime.codes import MEM_GUARD, MEM_MAX, MEM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from ._types import MemoryType
    from .runtime.store import Store

N = native()

PAGE = 65536
MOST_PAGES = 65536
NO_ADDRESSES = 1  # what memory_new says when address space is short

if TYPE_CHECKING:

    class MemoryBase:
        """Holds the native memory and lends it out by the buffer protocol."""

        def __buffer__(self, flags: int, /) -> memoryview: ...

else:
    MemoryBase = N.memory_type_new(object.__basicsize__)


class Memory(MemoryBase):
    """A linear memory: `min` pages of 64 KiB, which may grow to `max`.

    `memoryview(memory)`, `memory.view()` and `memory.array()` copy nothing. A view keeps the length it was made with when
    the memory grows, and stays valid when the instance is gone. Pointers are taken as wasm returns them: a negative one
    is that of an i32 and counts from 2^32. Accesses outside raise IndexError. `memory[i]` is a byte and `memory[a:b]` bytes;
    there a negative index is an IndexError.
    """

    __slots__ = ("_store", "_owner", "__weakref__")

    _store: "Store | None"
    _owner: None  # the native memory counts who holds it

    def __init__(self, min: int, max: int | None = None, *, shared: bool = False, index: str = "i32", page_size: int = PAGE) -> None:
        if shared or index != "i32" or page_size != PAGE:
            raise NotImplementedError("this version has memories with 32-bit addresses and pages of 64 KiB that are not shared, no others")
        most = MOST_PAGES if max is None else max
        if not 0 <= min <= most <= MOST_PAGES:
            raise ValueError(f"a memory's limits are at most {MOST_PAGES} pages, and its minimum not above its maximum: {min}, {max}")
        flags = (MEM_GUARD if N.memory_slots() else 0) | (0 if max is None else MEM_MAX)
        address = N.memory_new(min, most, MOST_PAGES * PAGE, flags)
        if address == NO_ADDRESSES:
            import gc

            gc.collect()
            address = N.memory_new(min, most, MOST_PAGES * PAGE, flags)
        if address <= NO_ADDRESSES:
            raise MemoryError(f"no memory of {min} pages")
        N.memory_attach(self, address)
        N.memory_release(address)  # the object holds it now
        self._store = None
        self._owner = None

    @classmethod
    def _of(cls, address: int, store: "Store | None") -> "Self":
        """The object for a native memory."""
        self = cls.__new__(cls)
        N.memory_attach(self, address)
        self._store = store
        self._owner = None
        return self

    @property
    def type(self) -> "MemoryType":
        """Pages now and at most."""
        from ._types import MemoryType

        address = N.memory_address(self)
        flags = N.memory_limits(address, 2)
        most = N.memory_limits(address, 1) if flags & MEM_MAX else None
        return MemoryType(N.memory_limits(address, 0), most, bool(flags & MEM_SHARED))

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        nbytes: int = N.memory_nbytes(self)
        return nbytes

    @property
    def pages(self) -> int:
        """Size in pages of 64 KiB."""
        pages: int = N.memory_limits(N.memory_address(self), 0)
        return pages

    def grow(self, pages: int) -> int:
        """Add pages of zeros; returns the number of pages before. MemoryError: beyond the maximum or a limit, or no memory."""
        if pages < 0:
            raise ValueError("a memory cannot shrink")
        before: int = N.memory_grow(N.memory_address(self), pages if pages < 1 << 63 else (1 << 63) - 1)
        if before < 0:
            raise MemoryError(f"cannot grow a memory of {self.pages} pages by {pages}")
        return before

    def read(self, pointer: int, count: int) -> bytes:
        """A copy of `count` bytes."""
        data: bytes = N.memory_read(self, pointer, count)
        return data

    def write(self, pointer: int, data: "bytes | bytearray | memoryview | Any") -> int:
        """Copy a bytes-like object into the memory; returns its length in bytes."""
        count: int = N.memory_write(self, pointer, data)
        return count

    def read_str(self, pointer: int, count: int | None = None) -> str:
        """UTF-8 text of `count` bytes, or, without `count`, up to the next zero byte. UnicodeDecodeError: it is none."""
        data: bytes = N.memory_read_text(self, pointer) if count is None else N.memory_read(self, pointer, count)
        return data.decode()

    def write_str(self, pointer: int, text: str) -> int:
        """Write text as UTF-8, with no zero byte behind it; returns its length in bytes."""
        count: int = N.memory_write(self, pointer, text.encode())
        return count

    def view(self, pointer: int = 0, count: int | None = None) -> memoryview:
        """A writable memoryview of `count` bytes, or of all from `pointer` on."""
        view = memoryview(self)
        if pointer == 0 and count is None:
            return view
        start = N.memory_offset(self, pointer, 0 if count is None else count)
        return view[start:] if count is None else view[start : start + count]

    def array(self, pointer: int, shape: "int | tuple[int, ...]", dtype: "Any" = "u1") -> "Any":
        """A NumPy array that shares the memory: `shape` elements of `dtype`, in C order, from `pointer` on."""
        import numpy

        kind = numpy.dtype(dtype)
        if kind.hasobject:
            raise ValueError("a memory holds no Python objects")
        dimensions = (shape,) if isinstance(shape, int) else tuple(shape)
        count = 1
        for dimension in dimensions:
            if dimension < 0:
                raise ValueError(f"a shape has no negative dimensions: {shape}")
            count *= dimension
        return numpy.frombuffer(self.view(pointer, count * kind.itemsize), kind).reshape(dimensions)

    def _window(self) -> memoryview:
        """All bytes as they are now; made anew after each call of wasm, which may have grown the memory."""
        return memoryview(self)

    def __len__(self) -> int:
        return self.nbytes

    def __getitem__(self, key: int | slice) -> "Any":
        if isinstance(key, slice):
            start, stop = self._span(key)
            return N.memory_read(self, start, stop - start)
        return N.memory_read(self, _index(key), 1)[0]

    def __setitem__(self, key: int | slice, value: "Any") -> None:
        if isinstance(key, slice):
            start, stop = self._span(key)
            data = memoryview(value)
            if data.nbytes != stop - start:
                raise ValueError(f"{data.nbytes} bytes do not fit a slice of {stop - start}: a memory does not change its length")
            N.memory_write(self, start, data)
        else:
            N.memory_write(self, _index(key), bytes((value,)))

    def _span(self, key: slice) -> tuple[int, int]:
        """Start and end of a slice: inside the memory, of step 1."""
        if key.step not in (None, 1):
            raise ValueError("slices of a memory have no step; memory.view() does")
        start = 0 if key.start is None else _index(key.start)
        stop = self.nbytes if key.stop is None else _index(key.stop)
        return start, max(start, stop)

    def __repr__(self) -> str:
        return f"<wasmjit.Memory of {self.nbytes} bytes>"

    def __reduce__(self) -> "Any":
        raise TypeError("a Memory cannot be pickled; pickle bytes(memory)")


def _index(key: "Any") -> int:
    if type(key) is not int:
        from operator import index

        key = index(key)
    position: int = key
    if position < 0:
        raise IndexError("negative index of a memory")
    return position
