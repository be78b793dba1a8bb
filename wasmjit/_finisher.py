"""The process that compiles what a program left, see `tiers.finish`; that stands in its standard input."""

import marshal
import os

from ._config import Config
from ._module import Module
from .tiers import known, policy
from .tiers.finish import LOCK
from .tiers.finisher import finish
from .tiers.worker import close_others, confine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Compile what a program left."""
    close_others(LOCK)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.chdir("/")
    os.nice(policy.FINISH_NICE)
    with open(0, "rb", closefd=False) as file:
        left = marshal.loads(file.read(int.from_bytes(file.read(8), "little")))
        binary = file.read()
    confine()
    module = load(left, binary)
    if module is not None:
        finish(module, left)


def load(left: "dict[str, Any]", binary: bytes) -> Module | None:
    """The module; None if its file has changed or gone. binary: empty if it is in a file."""
    setting, _ = left["cache"]
    config = Config("interp", memory=left["memory"], cache=setting)
    if left["file"] is None:
        return Module(binary, config=config)
    path, identity = left["file"]
    try:
        module = Module.from_file(path, config=config)
    except (OSError, ValueError):
        return None
    return module if module._file is not None and known.identified(module._file) == identity else None
