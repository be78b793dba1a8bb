"""What an embedder gives to a guest: the arguments of `Wasi`, turned into a Context for each instance."""

import os

from wasmjit.wasi.abi import DIRECTORY, FILE, MODIFY, Right
from wasmjit.wasi.context import Context, Descriptor
from wasmjit.wasi.process import host_clock, host_random
from wasmjit.wasi.table import MODULES, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Self

    from wasmjit.wasi.folder import Folder
    from wasmjit.wasi.memdir import Contents, MemoryDir

    Text = str | bytes | os.PathLike[str]

PIPE, STDOUT, DEVNULL = -1, -2, -3  # of subprocess, which is not imported for them
MEMORY_LIMIT = 1 << 30  # bytes of a directory in memory


class Dir:
    """A host directory that the guest may use, and its name there. `Dir.memory` makes one in memory instead.

    host: path. guest: the name under which the guest finds it, the host path itself when left out. readonly: nothing beneath it can be
    made, written, renamed or removed through it.
    """

    __slots__ = ("guest", "host", "readonly")

    def __init__(self, host: "str | os.PathLike[str]", guest: str | None = None, readonly: bool = False) -> None:
        self.host = os.fspath(host)
        self.guest = self.host if guest is None else guest
        self.readonly = readonly
        guest_bytes(self.guest)

    @staticmethod
    def memory(contents: "Contents | None" = None, guest: str = "/", readonly: bool = False, *, limit: int = MEMORY_LIMIT) -> "MemoryDir":
        """A directory in memory: a mapping of the paths of its files to bytes, which shows what guests have written there.

        contents: {"path/to/file": bytes, or str for its UTF-8, None for an empty directory, or a mapping of what is in one}.
        limit: bytes that all of it may take; of each name 1 KiB is counted. Beyond, guests get NOSPC.
        """
        from wasmjit.wasi.memdir import MemoryDir

        return MemoryDir(contents, guest, readonly, limit)

    def __repr__(self) -> str:
        return f"Dir({self.host!r}, {self.guest!r}, readonly={self.readonly})"

    def _named(self, guest: str) -> "Dir":
        """The same directory under another name."""
        return Dir(self.host, guest, self.readonly)

    def _folder(self, context: Context, mounted: "list[object]") -> "Folder":
        """The directory itself, opened for a new guest. mounted: file systems in memory that this guest has been given before."""
        from wasmjit.wasi.hostfolder import given

        return given(self.host)


def guest_bytes(text: "Text") -> bytes:
    """A string as the guest gets it; ValueError for one with a NUL."""
    encoded = os.fsencode(text)
    if 0 in encoded:
        raise ValueError(f"a NUL in {text!r}")
    return encoded


def environment_bytes(env: "Mapping[str, str] | None") -> list[bytes]:
    """NAME=value for each variable; ValueError for names that cannot be told from their value."""
    pairs = []
    for name, value in (env or {}).items():
        if not name or "=" in name:
            raise ValueError(f"not a name of an environment variable: {name!r}")
        pairs.append(guest_bytes(name) + b"=" + guest_bytes(value))
    return pairs


def directories(dirs: "Mapping[str, Any] | Iterable[Any] | None") -> list[Dir]:
    """The forms that `dirs` may have: {guest: host}, {guest: Dir}, or an iterable of Dir and of paths with the same name in the guest.

    A single Dir is one of them.
    """
    if dirs is None:
        return []
    if isinstance(dirs, Dir):
        return [dirs]
    if hasattr(dirs, "items"):
        return [host._named(guest) if isinstance(host, Dir) else Dir(host, guest) for guest, host in dirs.items()]
    return [entry if isinstance(entry, Dir) else Dir(entry) for entry in dirs]


class Imports(dict[str, Namespace]):
    """The import modules of WASI by name, over the descriptors of one guest, or of several that share them."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        super().__init__({module: Namespace(context, rows) for module, rows in MODULES.items()})
        self.context = context

    def close(self) -> None:
        """Close all descriptors: guests get BADF from now on."""
        self.context.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Wasi:
    """The world of a WASI program. Nothing of the host is passed on unasked, but for stdout and stderr, which None joins to Python's.

    args: all of argv, the program's name first. env: {name: value}.
    stdin: a file object, a path, bytes, an iterable of bytes, a callable(n) -> bytes, a host descriptor; None or DEVNULL is empty.
    stdout, stderr: a file object (text ones get UTF-8), a path, a callable(bytes), a host descriptor, subprocess's DEVNULL, or PIPE: kept
    for `captured()`; stderr=subprocess.STDOUT joins it to stdout. None is sys.stdout or sys.stderr as it is when the guest writes.
    dirs: {"/guest": "host path"}, {"/guest": Dir} or an iterable of `Dir`; the guest can leave none of them.
    clock: None for the host's, or a callable(clock id) -> nanoseconds, its method `sleep(nanoseconds)` used when it has one (VirtualClock).
    random: None for the host's, a seed, or a callable(n) -> bytes. sockets: open sockets, after the directories; they are not closed.

    One Wasi can serve many instances: each `imports()` starts with fresh descriptors.
    """

    def __init__(
        self,
        args: "Iterable[Text]" = (),
        env: "Mapping[str, str] | None" = None,
        stdin: "Any" = None,
        stdout: "Any" = None,
        stderr: "Any" = None,
        dirs: "Mapping[str, Any] | Iterable[Any] | None" = None,
        clock: "Callable[[int], int] | None" = None,
        random: "int | str | bytes | Callable[[int], bytes] | None" = None,
        sockets: "Iterable[socket.socket]" = (),
    ) -> None:
        if isinstance(args, str | bytes):
            raise TypeError("args is a sequence of strings, not one")
        self._arguments = [guest_bytes(argument) for argument in args]
        self._environment = environment_bytes(env)
        self._dirs = directories(dirs)
        self._sockets = tuple(sockets)
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._clock = host_clock if clock is None else clock
        self._random = random_source(random)
        self._pieces: dict[int, list[bytes]] = {1: [], 2: []}

    def imports(self) -> "Imports":
        """The import modules of WASI for one new guest, their functions taking the calling Instance first.

        Opens what is given by path: OSError as open() raises it, PermissionError for a folder of compiled code.
        It stays open until the mapping is closed or gone.
        """
        return Imports(self._context())

    def captured(self, number: int) -> bytes:
        """What guests wrote to 1 (stdout) or 2 (stderr) so far, where that is PIPE."""
        return b"".join(self._pieces[number])

    def _context(self) -> Context:
        context = Context(self._arguments, self._environment, self._clock, self._random)
        context.add(input_descriptor(self._stdin))
        stdout = self._output(self._stdout, 1)
        context.add(stdout)
        context.add(joined(stdout) if is_number(self._stderr, STDOUT) else self._output(self._stderr, 2))
        mounted: list[object] = []
        for directory in self._dirs:
            context.add(open_directory(directory, context, mounted))
        for sock in self._sockets:
            from wasmjit.wasi.sock import Socket

            context.add(Socket(sock))
        return context

    def _output(self, target: "Any", number: int) -> "Descriptor":
        if is_number(target, PIPE):
            from wasmjit.wasi import stream

            return stream.Output(stream.emit_callable(self._pieces[number].append))
        return output_descriptor(target, number)


def is_number(value: "Any", number: int) -> bool:
    """Whether the value is this integer; objects with an `==` of their own are not asked."""
    return isinstance(value, int) and value == number


def random_source(random: "Any") -> "Callable[[int], bytes]":
    """The callable(n) -> bytes that `random` stands for."""
    if random is None:
        return host_random
    if callable(random):
        source: Callable[[int], bytes] = random
        return source
    from wasmjit.wasi.clock import seeded_random

    return seeded_random(random)


def input_descriptor(source: "Any") -> "Descriptor":
    """Descriptor 0 over what `stdin` may be; a Descriptor is what a Process has made of it."""
    if isinstance(source, Descriptor):
        return source
    if isinstance(source, int) and source != DEVNULL:
        from wasmjit.wasi.hostfile import lent_file

        return lent_file(source, Right.FD_READ)
    from wasmjit.wasi import stream

    if source is None or is_number(source, DEVNULL):
        return stream.Input(stream.fetch_bytes(b""))
    if isinstance(source, bytes | bytearray | memoryview):
        return stream.Input(stream.fetch_bytes(source))
    if isinstance(source, str | os.PathLike):
        from wasmjit.wasi.hostfile import open_host

        return open_host(source, writing=False)
    if hasattr(source, "read"):
        return stream.Input(stream.fetch_file(source), stream.host_number(source))
    if callable(source):
        return stream.Input(stream.fetch_callable(source))
    if hasattr(source, "__iter__"):
        return stream.Input(stream.fetch_iterable(source))
    raise TypeError(f"stdin cannot be {type(source).__name__}")


def output_descriptor(target: "Any", number: int) -> "Descriptor":
    """Descriptor 1 or 2 over what `stdout` and `stderr` may be; a Descriptor is what a Process or the command has made of it."""
    if isinstance(target, Descriptor):
        return target
    if isinstance(target, int) and target != DEVNULL:
        from wasmjit.wasi.hostfile import lent_file

        return lent_file(target, Right.FD_WRITE)
    from wasmjit.wasi import stream

    if target is None:
        return stream.python_output("stdout" if number == 1 else "stderr")
    if is_number(target, DEVNULL):
        return stream.Output(stream.discard)
    if isinstance(target, str | os.PathLike):
        from wasmjit.wasi.hostfile import open_host

        return open_host(target, writing=True)
    if hasattr(target, "write"):
        emit, finish = stream.emit_file(target)
        return stream.Output(emit, finish, lambda: stream.host_number(target))
    if callable(target):
        return stream.Output(stream.emit_callable(target))
    raise TypeError(f"{'stdout' if number == 1 else 'stderr'} cannot be {type(target).__name__}")


def joined(stdout: "Descriptor") -> "Descriptor":
    """A second descriptor for what stdout writes to."""
    from wasmjit.wasi import stream

    if isinstance(stdout, stream.Output):
        return stream.Output(stdout.emit, None, stdout.number)
    from wasmjit.wasi.hostfile import HostFile

    if not isinstance(stdout, HostFile):
        raise TypeError(f"stderr cannot be joined to {type(stdout).__name__}")
    return HostFile(os.dup(stdout.number), stdout.filetype, stdout.rights)


def open_directory(directory: Dir, context: Context, mounted: "list[object]") -> "Descriptor":
    """A preopened directory with all rights, or those of reading. mounted: as of Dir._folder."""
    from wasmjit.wasi.folder import Directory

    rights = (DIRECTORY | FILE) & (~MODIFY if directory.readonly else ~0)
    return Directory(directory._folder(context, mounted), rights, rights, guest_bytes(directory.guest))
