"""Who provides what a module imports where nobody gives it: what `info` shows and `stubs` leaves out."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import wasmjit


def wasi(module: "wasmjit.Module", wanted: "wasmjit.ImportType") -> str | None:
    """WASI, where the name and the type are those of one of its functions."""
    from wasmjit._functype import FuncType
    from wasmjit.wasi.table import MODULES, signature

    row = MODULES.get(wanted.module, {}).get(wanted.name)
    return "WASI" if row is not None and wanted.type == FuncType(*signature(row, wanted.name)) else None


# each answers for a module and one of its imports: its name as users know it, or None
PROVIDERS: "tuple[Callable[[wasmjit.Module, wasmjit.ImportType], str | None], ...]" = (wasi,)


def provider(module: "wasmjit.Module", wanted: "wasmjit.ImportType") -> str | None:
    """The name of who provides an import of the module, None where it has to be given."""
    return next((name for ask in PROVIDERS if (name := ask(module, wanted)) is not None), None)
