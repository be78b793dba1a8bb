"""What one running guest has of the world: arguments, environment, descriptors, clocks, randomness."""

import os

from wasmjit.wasi.errno import Errno, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmjit.wasi.descriptor import Descriptor


class Context:
    """State behind the functions of one `Wasi.imports()`; instances linked to the same imports share it."""

    __slots__ = ("arguments", "clock", "environment", "files", "lowest", "random")

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

    def add(self, descriptor: "Descriptor") -> int:
        """Give the descriptor the lowest free number, as POSIX does."""
        number = self.lowest
        while number in self.files:
            number += 1
        self.files[number] = descriptor
        self.lowest = number + 1
        return number

    def remove(self, number: int) -> None:
        """Close a descriptor; BADF when there is none."""
        descriptor = self.files.pop(number, None)
        if descriptor is None:
            raise WasiError(Errno.BADF)
        self.lowest = min(self.lowest, number)
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
        for descriptor in self.files.values():
            descriptor.close()
        self.files.clear()


def host_random(count: int) -> bytes:
    """Bytes from the operating system."""
    return os.urandom(count)
