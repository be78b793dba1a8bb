"""System calls on descriptors, which are those of WASI."""

import os

from wasmjit.emscripten.guest import Guest
from wasmjit.emscripten.paths import ACCESS_MODE, FDFLAGS, READ_WRITE, WRITE_ONLY, fdflags
from wasmjit.emscripten.records import DIRENT_SIZE, STATFS_SIZE, directory_entry, write_stat, write_statfs, write_stream_stat
from wasmjit.wasi._memory import M32, load, memory, span
from wasmjit.wasi.abi import FdFlag, FileType, Right
from wasmjit.wasi.context import FILES_MAX, Descriptor
from wasmjit.wasi.errno import Errno, WasiError
from wasmjit.wasi.folder import Directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 1030
GET_LOCKS, SET_LOCKS = (5, 12, 36), (6, 7, 13, 14, 37, 38)  # F_GETLK and F_SETLK of all kinds
F_UNLCK = 2
TCGETS, TCSETS, TIOCGWINSZ, FIONREAD, FIONBIO = 0x5401, (0x5402, 0x5403, 0x5404), 0x5413, 0x541B, 0x5421
TERMIOS_SIZE = 60
ROWS, COLUMNS = 24, 80  # what a terminal says it has
POLLIN, POLLOUT, POLLNVAL = 1, 4, 32
POLL_MAX = 1024
SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2


def descriptor_of(guest: Guest, number: int, rights: int = 0) -> Descriptor:
    return guest.context.descriptor(number, rights)


def directory_of(guest: Guest, number: int, rights: int) -> Directory:
    found = descriptor_of(guest, number, rights)
    if not isinstance(found, Directory):
        raise WasiError(Errno.NOTDIR)
    return found


def duplicate(guest: Guest, number: int, least: int) -> int:
    """The same descriptor under the lowest free number that is not below `least`."""
    if not 0 <= least < FILES_MAX:
        raise WasiError(Errno.INVAL)
    return guest.context.share(descriptor_of(guest, number), least)


def __syscall_dup(guest: Guest, instance: "Any", number: int) -> int:
    return duplicate(guest, number, 0)


def __syscall_dup3(guest: Guest, instance: "Any", number: int, target: int, flags: int) -> int:
    descriptor_of(guest, number)
    if number == target:
        raise WasiError(Errno.INVAL)
    if not 0 <= target < FILES_MAX:
        raise WasiError(Errno.BADF)
    if target in guest.context.files:
        fd_close(guest, instance, target)
    return duplicate(guest, number, target)


def __syscall_fcntl64(guest: Guest, instance: "Any", number: int, command: int, arguments: int) -> int:
    """Locks are always had: there is one process."""
    descriptor = descriptor_of(guest, number)
    window = memory(instance)
    if command in (F_GETFD, F_SETFD, *SET_LOCKS):
        return 0
    if command in (F_DUPFD, F_DUPFD_CLOEXEC):
        return duplicate(guest, number, load(window, arguments, 4))
    if command == F_GETFL:
        readable, writable = descriptor.rights & Right.FD_READ, descriptor.rights & Right.FD_WRITE
        mode = (READ_WRITE if readable else WRITE_ONLY) if writable else 0
        return mode | sum([bit for flag, bit in FDFLAGS if descriptor.flags & flag])
    if command == F_SETFL:
        kept = descriptor.flags & ~(FdFlag.APPEND | FdFlag.NONBLOCK)
        descriptor.set_flags(kept | fdflags(load(window, arguments, 4) & ~ACCESS_MODE) & (FdFlag.APPEND | FdFlag.NONBLOCK))
        return 0
    if command in GET_LOCKS:
        span(window, load(window, arguments, 4), 2)[:] = F_UNLCK.to_bytes(2, "little")
        return 0
    raise WasiError(Errno.INVAL)


def __syscall_ioctl(guest: Guest, instance: "Any", number: int, request: int, arguments: int) -> int:
    descriptor = descriptor_of(guest, number)
    window = memory(instance)
    request &= M32
    if request == FIONREAD:
        span(window, load(window, arguments, 4), 4)[:] = descriptor.available().to_bytes(4, "little")
    elif request == FIONBIO:
        asked = FdFlag.NONBLOCK if load(window, load(window, arguments, 4), 4) else 0
        descriptor.set_flags(descriptor.flags & ~FdFlag.NONBLOCK | asked)
    elif descriptor.filetype != FileType.CHARACTER_DEVICE:
        raise WasiError(Errno.NOTTY)
    elif request == TIOCGWINSZ:
        span(window, load(window, arguments, 4), 8)[:] = ROWS.to_bytes(2, "little") + COLUMNS.to_bytes(2, "little") + bytes(4)
    elif request == TCGETS:
        span(window, load(window, arguments, 4), TERMIOS_SIZE)[:] = bytes(TERMIOS_SIZE)
    elif request not in TCSETS:
        raise WasiError(Errno.INVAL)
    return 0


def __syscall_fstat64(guest: Guest, instance: "Any", number: int, result: int) -> int:
    descriptor = descriptor_of(guest, number, Right.FD_FILESTAT_GET)
    status = descriptor.stat()
    if status is None:
        write_stream_stat(memory(instance), result, descriptor, guest.layout)
    else:
        write_stat(memory(instance), result, status, guest.layout)
    return 0


def __syscall_fstatfs64(guest: Guest, instance: "Any", number: int, size: int, result: int) -> int:
    descriptor_of(guest, number)
    write_statfs(memory(instance), result, min(size & M32, STATFS_SIZE))
    return 0


def __syscall_ftruncate64(guest: Guest, instance: "Any", number: int, size: int) -> int:
    if size < 0:
        raise WasiError(Errno.INVAL)
    descriptor_of(guest, number, Right.FD_FILESTAT_SET_SIZE).resize(size)
    return 0


def __syscall_fallocate(guest: Guest, instance: "Any", number: int, mode: int, offset: int, length: int) -> int:
    if mode != 0:
        raise WasiError(Errno.NOTSUP)
    if offset < 0 or length <= 0:
        raise WasiError(Errno.INVAL)
    descriptor_of(guest, number, Right.FD_ALLOCATE).allocate(offset, length)
    return 0


def __syscall_fadvise64(guest: Guest, instance: "Any", number: int, offset: int, length: int, advice: int) -> int:
    descriptor_of(guest, number)
    return 0


def __syscall_fdatasync(guest: Guest, instance: "Any", number: int) -> int:
    descriptor_of(guest, number, Right.FD_DATASYNC).datasync()
    return 0


def __syscall_getdents64(guest: Guest, instance: "Any", number: int, buffer: int, size: int) -> int:
    """Whole records from where the directory stands: the guest's position is WASI's cookie."""
    directory = directory_of(guest, number, Right.FD_READDIR)
    target = span(memory(instance), buffer, size)
    position = guest.positions.get(directory, 0)
    at = 0
    for piece in directory.folder.entries(position):
        if at + DIRENT_SIZE > len(target):
            if at == 0:
                raise WasiError(Errno.INVAL)
            break
        position = int.from_bytes(piece[:8], "little")
        target[at : at + DIRENT_SIZE] = directory_entry(piece, position)
        at += DIRENT_SIZE
    guest.positions[directory] = position
    return at


def fd_seek(guest: Guest, instance: "Any", number: int, offset: int, whence: int, result: int) -> int:
    """As in WASI, but that a directory has a position: to read it again, or go back to an entry."""
    from wasmjit.wasi import fd

    found = descriptor_of(guest, number)
    window = memory(instance)
    if not isinstance(found, Directory):
        fd.fd_seek(guest.context, window, descriptor_of(guest, number, Right.FD_SEEK), offset, whence, result)
        return 0
    cell = span(window, result, 8)
    position = offset if whence == SEEK_SET else guest.positions.get(found, 0) + offset
    if whence not in (SEEK_SET, SEEK_CUR) or position < 0:
        raise WasiError(Errno.INVAL)
    guest.positions[found] = position
    cell[:] = position.to_bytes(8, "little")
    return 0


def fd_close(guest: Guest, instance: "Any", number: int) -> int:
    """As in WASI; the position of a directory is forgotten with its last number."""
    found = descriptor_of(guest, number)
    guest.context.remove(number)
    if found not in guest.context.shared:
        guest.positions.pop(found, None)
    return 0


def __syscall_pipe(guest: Guest, instance: "Any", result: int) -> int:
    return __syscall_pipe2(guest, instance, result, 0)


def __syscall_pipe2(guest: Guest, instance: "Any", result: int, flags: int) -> int:
    from wasmjit.wasi.abi import FILE
    from wasmjit.wasi.hostfile import Fifo, HostFile

    cell = span(memory(instance), result, 8)
    reading, writing = os.pipe()
    ends = (
        Fifo(reading, FileType.UNKNOWN, FILE & ~Right.FD_WRITE, fdflags(flags) & FdFlag.NONBLOCK),
        HostFile(writing, FileType.UNKNOWN, FILE & ~Right.FD_READ, fdflags(flags) & FdFlag.NONBLOCK),
    )
    if flags & 0o4000:
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
    numbers = [guest.context.add(end) for end in ends]
    cell[:] = b"".join([number.to_bytes(4, "little") for number in numbers])
    return 0


def __syscall_poll(guest: Guest, instance: "Any", polled: int, count: int, timeout: int) -> int:
    """Waits as long as is asked for until one can be read or written; those without a host descriptor always can."""
    from wasmjit.wasi.abi import MONOTONIC
    from wasmjit.wasi.poll import CLOCK, FD_READ, FD_WRITE, Event, subscribe_descriptor, wait

    if not 0 <= count <= POLL_MAX:
        raise WasiError(Errno.INVAL)
    records = span(memory(instance), polled, 8 * count)
    found = [0] * count
    waiting: list[tuple[int, int, Event]] = []
    for place in range(count):
        number = int.from_bytes(records[8 * place : 8 * place + 4], "little", signed=True)
        wanted = records[8 * place + 4]
        if number < 0:
            continue
        if number not in guest.context.files:
            found[place] = POLLNVAL
            continue
        for bit, kind in ((POLLIN, FD_READ), (POLLOUT, FD_WRITE)):
            if wanted & bit:
                event = Event(place, kind)
                try:
                    subscribe_descriptor(guest.context, event, number)
                except WasiError:  # it has no such direction, and never will be ready for it
                    continue
                waiting.append((place, bit, event))
    events = [event for _, _, event in waiting]
    if timeout >= 0 or any(found):
        limit = Event(0, CLOCK)
        limit.wake = guest.context.clock(MONOTONIC) + (0 if any(found) else timeout * 1_000_000)
        events.append(limit)
    if events:
        wait(guest.context, events)
    for place, bit, event in waiting:
        if event.ready:
            found[place] |= bit
    for place in range(count):
        records[8 * place + 6 : 8 * place + 8] = found[place].to_bytes(2, "little")
    return sum([1 for bits in found if bits])
