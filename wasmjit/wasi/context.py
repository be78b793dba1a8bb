"""What one running guest has of the world: descriptors, arguments, environment, clocks, randomness."""

from wasmjit.wasi.abi import ALTER, LOOKUP, SEEKING, FileType, Right
from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import stat_result

FILES_MAX = 1 << 16  # descriptors of a guest: those that take nothing of the host are limited by nothing else


class Descriptor:
    """Base of streams, files, directories and sockets: rights, flags, and an exact refusal of each operation.

    The guest knows it by its number in the context's table; host descriptors stay inside.
    """

    __slots__ = ("flags", "inheriting", "rights")
    filetype = FileType.UNKNOWN
    guest_name: bytes | None = None  # of a preopened directory

    def __init__(self, rights: int, inheriting: int = 0, flags: int = 0) -> None:
        self.rights = rights
        self.inheriting = inheriting
        self.flags = flags

    def refuse(self, missing: int) -> int:
        """Errno for an operation whose rights bits `missing` are not there: POSIX's where it has one, else NOTCAPABLE."""
        if missing & (LOOKUP | ALTER):
            return Errno.NOTDIR
        if missing & (Right.SOCK_ACCEPT | Right.SOCK_SHUTDOWN):
            return Errno.NOTSOCK
        if missing & (Right.FD_READ | Right.FD_WRITE):
            return Errno.BADF
        if missing & SEEKING:
            return Errno.SPIPE
        return Errno.NOTCAPABLE

    def read(self, buffers: list[memoryview]) -> int:
        """Fill the buffers in order as far as data is at hand, waiting for some; 0 is the end."""
        raise WasiError(Errno.BADF)

    def write(self, buffers: list[memoryview]) -> int:
        """Write the buffers in order; the number of bytes taken may be less than given."""
        raise WasiError(Errno.BADF)

    def seek(self, offset: int, whence: int) -> int:
        """Move to `offset` from whence (0 start, 1 here, 2 end); the new position."""
        raise WasiError(Errno.SPIPE)

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """As `read` at an offset; the position stays. INVAL here and below, as POSIX has it, for what is no file."""
        raise WasiError(Errno.INVAL)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """As `write` at an offset; the position stays."""
        raise WasiError(Errno.INVAL)

    def advise(self, offset: int, length: int, advice: int) -> None:
        """Take a hint, `advice` of the witx documents."""
        raise WasiError(Errno.INVAL)

    def allocate(self, offset: int, length: int) -> None:
        """Make sure that writing there will find room, and that the file is so long."""
        raise WasiError(Errno.INVAL)

    def resize(self, size: int) -> None:
        """Cut the file, or let it go on with zeros."""
        raise WasiError(Errno.INVAL)

    def set_times(self, ns: tuple[int, int]) -> None:
        """Set the times of access and modification, in nanoseconds."""
        raise WasiError(Errno.INVAL)

    def sync(self) -> None:
        """Bring contents and status to the device."""
        raise WasiError(Errno.INVAL)

    def datasync(self) -> None:
        """Bring contents to the device."""
        raise WasiError(Errno.INVAL)

    def stat(self) -> "stat_result | None":
        """Status, or None for what is no file."""
        return None

    def set_flags(self, flags: int) -> None:
        """Set APPEND and NONBLOCK; a stream of the embedder's has neither to set."""
        if flags != self.flags:
            raise WasiError(Errno.NOTSUP)

    def waitable(self) -> int | None:
        """Host descriptor that poll can wait on, or None when reading and writing never wait."""
        return None

    def available(self) -> int:
        """Bytes that can be read at once, as far as known."""
        return 1

    def close(self) -> None:
        """Give up what the host holds for it; again is harmless."""


class Context:
    """State behind the functions of one `Wasi.imports()`; instances linked to the same imports share it."""

    __slots__ = ("arguments", "clock", "environment", "files", "lowest", "random", "shared")

    def __init__(
        self,
        arguments: list[bytes],
        environment: list[bytes],
        clock: "Callable[[int], int]",
        random: "Callable[[int], bytes]",
    ) -> None:
        self.arguments = arguments
        self.environment = environment
        self.clock = clock
        self.random = random
        self.files: dict[int, Descriptor] = {}
        self.lowest = 0  # no number below it is free
        self.shared: dict[Descriptor, int] = {}  # how many numbers those have that have several

    def add(self, descriptor: "Descriptor") -> int:
        """Give the descriptor the lowest free number, as POSIX does. MFILE: there are FILES_MAX."""
        if len(self.files) >= FILES_MAX:
            raise WasiError(Errno.MFILE)
        number = self.lowest
        while number in self.files:
            number += 1
        self.files[number] = descriptor
        self.lowest = number + 1
        return number

    def share(self, descriptor: "Descriptor", least: int) -> int:
        """Give a descriptor of the table a second number, the lowest free one that is not below `least`. MFILE as `add`."""
        if len(self.files) >= FILES_MAX:
            raise WasiError(Errno.MFILE)
        number = max(self.lowest, least)
        while number in self.files:
            number += 1
        self.files[number] = descriptor
        self.shared[descriptor] = self.shared.get(descriptor, 1) + 1
        return number

    def remove(self, number: int) -> None:
        """Close a descriptor, or one of the numbers that it has; BADF when there is none."""
        descriptor = self.files.pop(number, None)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        self.lowest = min(self.lowest, number)
        if descriptor in self.shared:
            left = self.shared.pop(descriptor) - 1
            if left > 1:
                self.shared[descriptor] = left
        else:
            descriptor.close()

    def descriptor(self, number: int, rights: int) -> "Descriptor":
        """The descriptor of a number, checked as a function's first one is: for functions that take two."""
        found = self.files.get(number)
        if found is None:
            raise WasiError(Errno.BADF)
        if missing := rights & ~found.rights:
            raise WasiError(found.refuse(missing))
        return found

    def close(self) -> None:
        """Close everything; the guest gets BADF from then on."""
        try:
            for descriptor in self.files.values():
                descriptor.close()
        finally:
            self.files.clear()
