"""The benchmarks of the optimizing tier: what they compute from measurements, and that each runs (with sizes that mean nothing)."""

import shutil
from pathlib import Path

import pytest

from wasmjit.bench import _cold, _contestants, _kernels, cold, counting, short, steady, tiers
from wasmjit.native.cache import locate

MS = 1_000_000
QUEENS = _kernels.Kernel("queens", 6, 4)


def ends(*durations: int) -> list[int]:
    """Times at which calls of these durations end, behind the begin of the first."""
    times = [1_000 * MS]
    for duration in durations:
        times.append(times[-1] + duration)
    return times


def test_steady_is_reached_where_calls_become_fast() -> None:
    calls = short.Calls(990 * MS, ends(*[MS] * 20, *[MS // 10] * 2000))
    assert calls.steady() == MS // 10
    found = calls.reached(MS // 10)
    assert found.close and 10 * MS + 15 * MS <= found.after <= 10 * MS + 21 * MS


def test_steady_is_reached_at_once_by_calls_of_one_speed() -> None:
    assert short.Calls(995 * MS, ends(*[MS] * 100)).reached(MS) == (5 * MS, True)


def test_calls_of_one_speed_are_not_steady_where_others_are_faster() -> None:
    """What is never compiled took all of its time."""
    slow, fast = short.Calls(995 * MS, ends(*[MS] * 100)), short.Calls(995 * MS, ends(*[MS // 2] * 200))
    calm = short.steady({"cold": [slow], "cached": [slow], "ahead": [fast], "node": [slow]})
    assert calm == {"wasmjit": MS // 2, "node": MS}
    assert slow.reached(calm["wasmjit"]) == (105 * MS, False) and slow.reached(calm["node"]) == (5 * MS, True)


def test_one_slow_call_is_no_matter() -> None:
    assert short.Calls(1_000 * MS, ends(*[MS // 10] * 30, 3 * MS, *[MS // 10] * 500)).reached(MS // 10).after == 0


def test_arguments_for_longer_runs() -> None:
    by_name = {kernel.name: kernel for kernel in _kernels.SHARED}
    assert cold.argument(by_name["sieve"], 0.6) == 2 * by_name["sieve"].long
    assert cold.argument(by_name["fib"], 0.3) == 40
    assert cold.argument(by_name["fib"], 0.3 * 1.618**3) == 43
    assert cold.argument(by_name["fib"], 0.3 / 1.618**2 * 1.01) == 38


def test_a_cold_cache_holds_the_runtime_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = locate()
    assert found is not None
    ours = tmp_path / "cache"
    ours.mkdir(mode=0o700)
    for entry in Path(found).glob("native-*"):
        shutil.copy2(entry, ours)
    (ours / "units-of-a-program.wasmjit").write_bytes(b"")
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(ours))
    with _cold.cold_cache() as settings:
        names = [path.name for path in Path(settings["WASMJIT_CACHE_DIR"]).iterdir()]
    assert names and all(name.startswith("native-") for name in names)


def test_contestants_answer_and_die_loudly(tmp_path: Path) -> None:
    module = tmp_path / "k.wasm"
    module.write_bytes(_kernels.own(QUEENS))
    with _contestants.start("wasmjit interp", module) as contestant:
        answer = contestant.call(6)
        assert answer.result == 4 and answer.cpu >= 0 and answer.wall > 0
    module.write_bytes(b"no module")
    with pytest.raises(_contestants.Failed, match="exit code 1"):
        _contestants.start("wasmjit interp", module)


def test_tiers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tiers, "CONTESTANTS", ["wasmjit", "wasmjit interp"])
    monkeypatch.setattr(_kernels, "OWN", (QUEENS,))
    assert tiers.main(["--rounds", "1"]) == 0
    assert "queens(6)" in capsys.readouterr().out
    monkeypatch.setattr(_kernels, "OWN", (QUEENS._replace(result=5),))
    assert tiers.main(["--rounds", "1"]) == 1
    assert "4, not 5" in capsys.readouterr().err


def test_counting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(counting, "OWN", (QUEENS,))
    assert counting.main(["--rounds", "1"]) == 0
    assert "queens(6)" in capsys.readouterr().out


def test_short(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(short, "missing", lambda name: "not here")
    assert short.main(["--rounds", "1", "--seconds", "0.1", "fib"]) == 0
    assert "without node" in (shown := capsys.readouterr().out) and "fib(15)" in shown
    monkeypatch.setitem(short.FUNCTIONS, "fib", (15, 611))
    assert short.main(["--rounds", "1", "--seconds", "0.1", "fib"]) == 1


def test_without_kernels_or_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_kernels, "SOURCES", tmp_path / "none")
    assert cold.main([]) == 2
    assert "WASMJIT_KERNELS" in capsys.readouterr().err
    monkeypatch.setattr(steady, "missing", lambda name: "gcc is not installed")
    assert steady.main([]) == 2
    assert "gcc is not installed" in capsys.readouterr().err
