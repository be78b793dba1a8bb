"""The custom sections of a module (spec 2.5.12 and 5.5.3): names, debug information, whatever tools put there."""

from ._image import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._module import Module

N = native()


class CustomSections:
    """The custom sections of a module: a mapping from name to contents, of the first section where several have a name."""

    __slots__ = ("_module", "_rows")

    def __init__(self, module: "Module", rows: tuple[tuple[str, int, int], ...]) -> None:
        self._module = module
        self._rows = rows

    def all(self, name: str) -> list[bytes]:
        """Contents of every section called `name`, in order."""
        return [N.mod_bytes(self._module.address, at, nbytes) for found, at, nbytes in self._rows if found == name]

    def keys(self) -> list[str]:
        """Names in order, each once."""
        return list(dict.fromkeys(name for name, _, _ in self._rows))

    def items(self) -> list[tuple[str, bytes]]:
        """Pairs of name and contents, one a section, in order."""
        return [(name, N.mod_bytes(self._module.address, at, nbytes)) for name, at, nbytes in self._rows]

    def get(self, name: str, default: "Any" = None) -> "Any":
        """Contents, or `default`."""
        return self[name] if name in self else default

    def __getitem__(self, name: str) -> bytes:
        for found, at, nbytes in self._rows:
            if found == name:
                data: bytes = N.mod_bytes(self._module.address, at, nbytes)
                return data
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(found == name for found, _, _ in self._rows)

    def __iter__(self) -> "Iterator[str]":
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __repr__(self) -> str:
        return f"<custom sections {', '.join(self.keys())}>"
