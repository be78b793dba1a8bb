"""The runtime core linked with stub handlers, built once a session."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build() -> bytes:
    """Image file bytes of the core, the harness and the stubs."""
    from tests.runtime import harness, stubs
    from wasmjit.native.build import build_image
    from wasmjit.runtime import (
        arena,
        bulk,
        codearena,
        constexpr,
        context,
        ending,
        entry,
        faults,
        frames,
        memory,
        platform,
        safepoints,
        tables,
        timers,
        traps,
        units,
    )

    core = [entry, traps, frames, faults, safepoints, context, arena, memory, bulk, codearena, units, timers, tables, constexpr, ending]
    return build_image([*core, harness], [platform.ir(), stubs.STUBS])


def start(data: bytes) -> Any:
    """Load the image and start the runtime."""
    from wasmjit.native import imagefile

    native = imagefile.load_bytes(data)
    if not native.runtime_init(*imagefile.code_range(native)):
        raise RuntimeError("runtime_init failed")
    native.world_init()
    return native


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "core.image"
    path.write_bytes(build())
    return path


@pytest.fixture(scope="session")
def native(image: Path) -> Any:
    return start(image.read_bytes())


@pytest.fixture
def memory(native: Any) -> Any:
    """A guarded memory of one page, at most ten, as memory 0."""
    address = native.memory_new(1, 10, 1 << 32, 1)
    native.set_memory(0, address)
    yield address
    native.memory_release(address)


@pytest.fixture
def script(image: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python text in a process of its own, with `native` started; `before` runs ahead of loading it."""

    def run(text: str, before: str = "", prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        paths = f"import sys; sys.path[:0] = {[str(ROOT)]!r}"
        load = f"from tests.runtime.conftest import start\nnative = start(open({str(image)!r}, 'rb').read())"
        program = "\n".join([paths, before, load, text])
        return subprocess.run([*prefix, sys.executable, "-c", program], capture_output=True, text=True, timeout=120)

    return run
