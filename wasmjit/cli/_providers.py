"""Who provides what a module imports where nobody gives it: what `info` shows and `stubs` leaves out."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import wasmjit

UNKNOWN = "unknown, traps when called"  # given, but better given by somebody else


def wasi(module: "wasmjit.Module", wanted: "wasmjit.ImportType") -> str | None:
    """WASI, where the name and the type are those of one of its functions."""
    from wasmjit._functype import FuncType
    from wasmjit.wasi.table import MODULES, signature

    row = MODULES.get(wanted.module, {}).get(wanted.name)
    return "WASI" if row is not None and wanted.type == FuncType(*signature(row, wanted.name)) else None


def toolchain(module: "wasmjit.Module", wanted: "wasmjit.ImportType") -> str | None:
    """Emscripten or AssemblyScript, where the module is one of theirs; what they do not know is given all the same, and traps."""
    from wasmjit import assemblyscript
    from wasmjit._functype import FuncType
    from wasmjit._provided import EMSCRIPTEN, toolchain_name
    from wasmjit.emscripten.recognise import MADE, provides

    name, kind = toolchain_name(module), wanted.type
    if name != EMSCRIPTEN:
        return name if name is not None and assemblyscript.provides(wanted.module, wanted.name, kind) else None
    if not isinstance(kind, FuncType):
        return name if (wanted.module, wanted.name, wanted.kind) in MADE else None
    if provides(wanted.module, wanted.name, kind.params, kind.results):
        return name
    return UNKNOWN if wanted.module == "env" else None


# each answers for a module and one of its imports: its name as users know it, or None
PROVIDERS: "tuple[Callable[[wasmjit.Module, wasmjit.ImportType], str | None], ...]" = (wasi, toolchain)


def provider(module: "wasmjit.Module", wanted: "wasmjit.ImportType") -> str | None:
    """The name of who provides an import of the module, None where it has to be given."""
    return next((name for ask in PROVIDERS if (name := ask(module, wanted)) is not None), None)
