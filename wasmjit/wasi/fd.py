"""Descriptors: what every program does with them, its standard streams included. The rest is in file.py."""

from wasmjit.wasi._memory import M32, iovecs, span
from wasmjit.wasi.abi import record
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.wasi.context import Context, Descriptor

FDSTAT_SIZE = 24
PRESTAT_SIZE = 8


def fd_read(context: "Context", window: memoryview, descriptor: "Descriptor", iovs: int, count: int, result: int) -> None:
    cell = span(window, result, 4)
    cell[:] = descriptor.read(iovecs(window, iovs, count)).to_bytes(4, "little")


def fd_write(context: "Context", window: memoryview, descriptor: "Descriptor", iovs: int, count: int, result: int) -> None:
    cell = span(window, result, 4)
    cell[:] = descriptor.write(iovecs(window, iovs, count)).to_bytes(4, "little")


def fd_seek(context: "Context", window: memoryview, descriptor: "Descriptor", offset: int, whence: int, result: int) -> None:
    cell = span(window, result, 8)
    if not 0 <= whence <= 2:
        raise WasiError(Errno.INVAL)
    cell[:] = descriptor.seek(offset, whence).to_bytes(8, "little")


def fd_tell(context: "Context", window: memoryview, descriptor: "Descriptor", result: int) -> None:
    cell = span(window, result, 8)
    cell[:] = descriptor.seek(0, 1).to_bytes(8, "little")


def fd_close(context: "Context", window: memoryview, number: int) -> None:
    context.remove(number)


def fd_fdstat_get(context: "Context", window: memoryview, descriptor: "Descriptor", result: int) -> None:
    cell = span(window, result, FDSTAT_SIZE)
    cell[:] = record((descriptor.filetype, 2), (descriptor.flags, 6), (descriptor.rights, 8), (descriptor.inheriting, 8))


def preopened_name(descriptor: "Descriptor") -> bytes:
    """Guest name of a preopened directory; BADF for anything else, which ends a guest's search for them."""
    if descriptor.guest_name is None:
        raise WasiError(Errno.BADF)
    return descriptor.guest_name


def fd_prestat_get(context: "Context", window: memoryview, descriptor: "Descriptor", result: int) -> None:
    name = preopened_name(descriptor)
    span(window, result, PRESTAT_SIZE)[:] = record((0, 4), (len(name), 4))


def fd_prestat_dir_name(context: "Context", window: memoryview, descriptor: "Descriptor", buffer: int, length: int) -> None:
    name = preopened_name(descriptor)
    if length & M32 < len(name):
        raise WasiError(Errno.NAMETOOLONG)
    span(window, buffer, len(name))[:] = name
