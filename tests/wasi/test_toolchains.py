"""What seven toolchains make of the same kernels, and programs of four: in every tier, cold and with the code of an earlier run."""

from pathlib import Path

import pytest

import wasmjit
from tests import modes
from tests.paths import CORPUS
from tests.wasi.test_programs import HELLOS, Output, in_wasmjit

MODES = modes.parameters((modes.BASE, "reference", "opt", "auto", *modes.STRESSED), quick=(modes.BASE, "auto"))
KERNELS = ("kern_as", "kern_as_inc", "kern_clang22ys", "kern_emcc_sa", "kern_go", "kern_rs96", "kern_zig")
SMALL = {"sieve": (1000, 168), "matmul": (10, 737.5), "mix": (1000, -464544862), "fib": (10, 55)}
LARGE = {"sieve": (1_000_000, 78498), "matmul": (100, 749850.0), "mix": (1_000_000, 1631162712), "fib": (25, 75025)}


def corpus(name: str) -> Path:
    """A module of the corpus; skips where there is none."""
    path = CORPUS / "modules" / f"{name}.wasm"
    if not path.exists():
        pytest.skip("WASMJIT_CORPUS names no folder with modules/")
    return path


def computed(path: Path, arguments: dict[str, tuple[int, float]], config: wasmjit.Config) -> dict[str, float]:
    """What each export returns, in a new instance: reactors have run their `_initialize`."""
    with wasmjit.load(path, config=config) as instance:
        return {name: instance.exports[name](argument) for name, (argument, _) in arguments.items()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str, mode: str) -> None:
    assert computed(corpus(name), SMALL, modes.config(mode)) == {kernel: result for kernel, (_, result) in SMALL.items()}


@pytest.mark.parametrize("tier", ["auto", pytest.param("opt", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_that_get_hot_and_are_run_again(name: str, tier: str, tmp_path: Path) -> None:
    path = corpus(name)
    expected = {kernel: result for kernel, (_, result) in LARGE.items()}
    for _ in ("cold", "cached"):
        assert computed(path, LARGE, wasmjit.Config(tier, compile="sync", cache=str(tmp_path))) == expected
    assert list(tmp_path.glob("code-*"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", HELLOS)
def test_hellos(name: str, mode: str) -> None:
    assert in_wasmjit(corpus(name), [name, "x"], [], modes.config(mode)) == (0, *HELLOS[name])


@pytest.mark.parametrize("tier", ["auto", pytest.param("opt", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", HELLOS)
def test_hellos_that_are_run_again(name: str, tier: str, tmp_path: Path) -> None:
    path = corpus(name)
    config = wasmjit.Config(tier, compile="sync", cache=str(tmp_path), thresholds={"warm": 1, "window": 1})
    outputs: list[Output] = [in_wasmjit(path, [name, "x"], [], config) for _ in range(2)]
    assert outputs == [(0, *HELLOS[name])] * 2


def test_an_abort_of_assemblyscript_says_where() -> None:
    """The array is allocated with a length that its runtime refuses."""
    kernels = wasmjit.load(corpus("kern_as_inc"))
    with pytest.raises(wasmjit.Trap) as caught:
        kernels.exports.sieve(-5)
    assert "Invalid length" in "".join([str(caught.value), *caught.value.__notes__])
