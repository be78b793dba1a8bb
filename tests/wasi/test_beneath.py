"""openat2: used where it can be, given up where a filter answers for it, and never the way into compiled code."""

import os
from errno import EBADF, ENOSYS, EPERM
from pathlib import Path
from typing import Any

import pytest

from tests.wasi.guest import BUFFER, CREAT, DIRECTORY, FIRST, RECORD, RESULT, Guest
from wasmjit.wasi import Wasi, beneath


class Filtered:
    """The native functions, openat2 counted, or answered by an errno as a filter of system calls does from a moment on."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.calls = 0
        self.answer = 0

    def openat2(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.answer:
            raise OSError(self.answer, os.strerror(self.answer))
        return self.native.openat2(*arguments)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Filtered:
    filtered = Filtered(beneath.N)
    monkeypatch.setattr(beneath, "N", filtered)
    monkeypatch.setattr(beneath.SUPPORT, "found", None)
    top = os.open("/", os.O_RDONLY)
    found = beneath.SUPPORT.probe(top)
    os.close(top)
    if not found:
        pytest.skip("the system has no openat2, or hides it")
    filtered.calls = 0
    return filtered


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/b/c/file").write_bytes(b"deep")
    (tmp_path / "a/link").symlink_to("b/../b/c/file")
    (tmp_path / "a/b/c/up").symlink_to("../../link")
    return Guest(Wasi(dirs={"/": tmp_path}))


@pytest.mark.parametrize("path", ["a/b/c/file", "a/b/../b/./c/file", "a/link", "a/b/c/up", "./a/link"])
def test_a_path_is_opened_by_one_call(kernel: Filtered, guest: Guest, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", None)
    assert guest.read(guest.open(path)) == b"deep" and kernel.calls == 1
    assert guest.try_open("a/b/missing/x") == "NOENT" and kernel.calls == 2
    assert guest.write(guest.open("a/b/new", CREAT), b"x") == 1 and kernel.calls == 3
    assert guest.fd_status(guest.open("a/b/c", DIRECTORY))["type"] == 3 and kernel.calls == 4


def test_other_functions_go_down_by_one_call(kernel: Filtered, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", None)
    assert guest.status("a/b/c/file")["size"] == 4 and kernel.calls == 1
    guest.good("path_rename", FIRST, "a/b/c/file", FIRST, "a/b/moved")
    assert kernel.calls == 3
    guest.good("path_readlink", FIRST, "a/b/c/up", BUFFER, 100, RESULT)
    guest.good("path_unlink_file", FIRST, "a/b/moved")
    guest.good("path_create_directory", FIRST, "a/b/c/new")
    assert kernel.calls == 6
    assert guest.call("path_filestat_get", FIRST, 1, "a/b/missing/x", RECORD) == "NOENT" and kernel.calls == 7


@pytest.mark.parametrize("answer", [ENOSYS, EPERM])
@pytest.mark.parametrize("before", [True, False])
def test_a_filter_ends_it_for_good(kernel: Filtered, guest: Guest, answer: int, before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if before:  # the filter was there when it was asked for first
        monkeypatch.setattr(beneath.SUPPORT, "found", None)
    kernel.answer = answer
    for _ in range(5):
        assert guest.read(guest.open("a/b/c/file")) == guest.read(guest.open("a/link")) == b"deep"
        assert guest.try_open("a/../../x") == "PERM" and guest.try_open("a/b/missing") == "NOENT"
    assert kernel.calls <= 2 and beneath.SUPPORT.found is False


def test_an_error_that_only_looks_like_a_filter(kernel: Filtered, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    class Once(Filtered):
        def openat2(self, *arguments: Any) -> Any:
            self.answer = EPERM if arguments[1] == b"a/b/c/file" else 0
            return super().openat2(*arguments)

    monkeypatch.setattr(beneath, "N", Once(kernel))
    assert guest.read(guest.open("a/b/c/file")) == b"deep" and beneath.SUPPORT.found is True


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs another file system at a known place")
def test_other_file_systems_are_walked_to(kernel: Filtered) -> None:
    """A folder of compiled code may be mounted at a second place."""
    top = os.open("/", os.O_RDONLY)
    try:
        assert beneath.open_beneath(top, b"proc/version", os.O_RDONLY) is None and kernel.calls == 1
    finally:
        os.close(top)
    assert Guest(Wasi(dirs={"/": "/"})).try_open("proc/version") == "SUCCESS"


def test_what_the_native_function_takes(kernel: Filtered) -> None:
    with pytest.raises(TypeError):
        kernel.openat2(0, "text", 0, 0, 0)
    with pytest.raises(OSError) as caught:
        kernel.openat2(-1, b"x", 0, 0, 0)
    assert caught.value.errno == EBADF


def test_no_descriptor_is_left_for_asking(kernel: Filtered, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        monkeypatch.setattr(beneath.SUPPORT, "found", None)
        guest.close(guest.open("a/b/c/file"))
        guest.status("a/b/c/up")
        guest.try_open("a/../../x")
    assert len(os.listdir("/proc/self/fd")) == before
