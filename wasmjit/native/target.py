"""What machine code is made for, and the error when LLVM refuses. Does not import LLVM."""

from typing import NamedTuple


class EmitError(Exception):
    """LLVM rejects the IR, or does not know the target. The message shows the offending lines."""


class Target(NamedTuple):
    """What machine code is made for.

    triple: LLVM target triple, "" for the host's; cpu: LLVM processor name; features: LLVM feature string, "+a,-b".
    """

    triple: str = ""
    cpu: str = ""
    features: str = ""

    @property
    def machine(self) -> str:
        """The architecture, in the names of os.uname: "x86_64" or "aarch64"."""
        arch = self.triple.partition("-")[0]
        return {"arm64": "aarch64", "amd64": "x86_64"}.get(arch, arch)
