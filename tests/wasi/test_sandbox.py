"""Attempts to get out of the preopened directories: all refused, with the right errno, and nothing outside seen or changed."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wasi.guest import ALL, BUFFER, CREAT, DIRECTORY, FIRST, READ, RESULT, TRUNC, WRITE, Guest
from wasmjit.wasi import Dir, Wasi, protected

pytestmark = pytest.mark.usefixtures("resolution")

SECRET = b"host's secret"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    """outside/secret is the host's; inside/ is the guest's, with links that lead out of it; the host must find the former unchanged."""
    (tmp_path / "outside" / "folder").mkdir(parents=True)
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    inside = tmp_path / "inside"
    (inside / "dir" / "deep").mkdir(parents=True)
    (inside / "file").write_bytes(b"guest's")
    for name, target in LINKS.items():
        (inside / name).symlink_to(target.replace("TMP", str(tmp_path)))
    before = listing(tmp_path / "outside"), (tmp_path / "outside/secret").stat().st_mtime_ns
    yield tmp_path
    assert (tmp_path / "outside" / "secret").read_bytes() == SECRET
    assert (listing(tmp_path / "outside"), (tmp_path / "outside/secret").stat().st_mtime_ns) == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inside", "outside"]


LINKS = {
    "absolute": "TMP/outside/secret",
    "absolute-dir": "TMP/outside",
    "absolute-inside": "TMP/inside/file",
    "root": "/",
    "up": "../outside/secret",
    "up-dir": "../outside",
    "up-slash": "../outside/",
    "up-here": "..",
    "far-up": "dir/../../outside/secret",
    "to-up": "up",
    "to-up-dir": "dir/../up-dir",
    "dangling-up": "../outside/new",
    "dangling-absolute": "TMP/outside/new",
    "process": "/proc/self/root",
}


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.fixture
def guest(world: Path) -> Guest:
    return Guest(Wasi(dirs={"/": world / "inside"}))


# every way to write a path that leads out
OUT = [
    "..",
    "../",
    "../outside/secret",
    "./../outside/secret",
    "dir/../../outside/secret",
    "dir/deep/../../../outside/secret",
    "dir//..//..//outside/secret",
    "dir/./deep/.././../../outside/secret",
    "../inside/file",
    "../../../../../../../../etc/passwd",
    "/",
    "//",
    "/etc/passwd",
    "/proc/self/mem",
    "absolute",
    "absolute-inside",
    "absolute-dir/secret",
    "root/etc/passwd",
    "up",
    "up-dir/secret",
    "up-slash/secret",
    "up-slash",
    "up-here/outside/secret",
    "up-here/inside/file",
    "far-up",
    "to-up",
    "to-up-dir/secret",
    "dir/../up",
    "dir/../up-dir/../inside/file",
    "process/etc/passwd",
    "process",
    "root",
]  # fmt: skip


@pytest.mark.parametrize("path", OUT)
@pytest.mark.parametrize(("oflags", "rights"), [(0, READ), (CREAT, READ | WRITE), (TRUNC, WRITE), (DIRECTORY, 0)])
def test_opening_outside(guest: Guest, path: str, oflags: int, rights: int) -> None:
    assert guest.try_open(path, oflags, rights) == "PERM"


@pytest.mark.parametrize("path", OUT)
def test_status_outside(guest: Guest, path: str) -> None:
    assert guest.call("path_filestat_get", FIRST, 1, path, 64) == "PERM"
    assert guest.call("path_filestat_set_times", FIRST, 1, path, 0, 0, 5) == "PERM"


@pytest.mark.parametrize("path", ["../new", "/tmp/new", "up-dir/new", "absolute-dir/new", "up-here/new", "dir/../../new", "root/tmp/new"])
def test_making_and_removing_outside(guest: Guest, path: str) -> None:
    assert guest.try_open(path, CREAT) == "PERM"
    for name in ("path_create_directory", "path_remove_directory", "path_unlink_file"):
        assert guest.call(name, FIRST, path) == "PERM", name
    assert guest.call("path_symlink", "file", FIRST, path) == "PERM"
    assert guest.call("path_link", FIRST, 0, "file", FIRST, path) == "PERM"
    assert guest.call("path_link", FIRST, 0, path, FIRST, "new") == "PERM"
    assert guest.call("path_rename", FIRST, "file", FIRST, path) == "PERM"
    assert guest.call("path_rename", FIRST, path, FIRST, "new") == "PERM"
    assert guest.call("path_readlink", FIRST, path, BUFFER, 100, RESULT) == "PERM"


@pytest.mark.parametrize("path", ["dangling-up", "dangling-absolute"])
def test_making_what_a_dangling_link_names(guest: Guest, path: str) -> None:
    assert guest.try_open(path, CREAT) == "PERM"
    assert guest.try_open(path, CREAT, follow=0) == "LOOP"
    assert guest.call("path_create_directory", FIRST, path) == "EXIST"
    assert guest.call("path_link", FIRST, 1, path, FIRST, "new") == "PERM"


def test_links_themselves_are_the_guests(guest: Guest, world: Path) -> None:
    """Where a link leads can be read, and it can be moved and removed; what it leads to cannot be reached by a link to it."""
    guest.good("path_readlink", FIRST, "up", BUFFER, 100, RESULT)
    guest.good("path_rename", FIRST, "up", FIRST, "dir/up")
    assert guest.try_open("dir/up") == "NOENT"  # relative to its new place it stays inside
    guest.good("path_link", FIRST, 0, "absolute", FIRST, "hard")
    assert guest.try_open("hard") == "PERM"
    guest.good("path_unlink_file", FIRST, "absolute-dir")
    assert (world / "outside").is_dir()


@pytest.mark.parametrize("target", ["/", "/etc/passwd", "//x"])
def test_making_absolute_links(guest: Guest, target: str) -> None:
    assert guest.call("path_symlink", target, FIRST, "new") == "PERM"


@pytest.mark.parametrize("target", ["../outside/secret", "dir/../../outside/secret", "..", "up-here/outside"])
def test_making_and_following_relative_links(guest: Guest, target: str) -> None:
    guest.good("path_symlink", target, FIRST, "new")
    assert guest.try_open("new") == guest.call("path_filestat_get", FIRST, 1, "new", 64) == "PERM"


def test_from_a_directory_below(guest: Guest) -> None:
    """The root is the directory that the path starts from, also for a directory opened inside."""
    deep = guest.open("dir/deep", DIRECTORY)
    for path in ("..", "../..", "../../file", "../deep", "../../../outside/secret"):
        assert guest.try_open(path, fd=deep) == "PERM"
    assert [name for name, _, _ in guest.entries(deep)] == [".", ".."]


def test_a_directory_moved_away_under_its_descriptor(guest: Guest, world: Path) -> None:
    deep = guest.open("dir/deep", DIRECTORY)
    (world / "inside/dir/deep").rename(world / "outside/folder/deep")
    try:
        for path in ("..", "../..", "../../secret"):
            assert guest.try_open(path, fd=deep) == "PERM"
    finally:
        (world / "outside/folder/deep").rename(world / "inside/dir/deep")


def test_renaming_while_a_path_is_walked(guest: Guest, world: Path) -> None:
    """`..` after a directory that has been moved meanwhile leads where the path came from, not to its new parent."""
    inside, outside = world / "inside", world / "outside"
    stop = threading.Event()

    def move() -> None:
        while not stop.is_set():
            os.rename(inside / "dir/deep", outside / "folder/deep")
            os.rename(outside / "folder/deep", inside / "dir/deep")

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(400):
            for path in ("dir/deep/../../../outside/secret", "dir/deep/../../secret"):
                assert guest.try_open(path) in ("PERM", "NOENT")
            error = guest.try_open("dir/deep/../../file")
            assert error in ("SUCCESS", "NOENT")
            if error == "SUCCESS":
                fd = guest.number()
                assert guest.read(fd) == b"guest's"
                guest.close(fd)
    finally:
        stop.set()
        mover.join()


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_links_swapped_while_a_path_is_walked(guest: Guest, world: Path, swapped: str) -> None:
    inside = world / "inside"
    (inside / "folder").mkdir()
    (inside / "folder/secret").write_bytes(b"guest's")
    (inside / "good").symlink_to("file" if swapped == "file" else "folder")
    os.rename(inside / "up" if swapped == "file" else inside / "up-dir", inside / "bad")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for name in ("good", "bad"):
                os.rename(inside / name, inside / "turn")
                os.rename(inside / "turn", inside / name)
            os.link(inside / "good", inside / "t1", follow_symlinks=False)
            os.rename(inside / "t1", inside / "now")
            os.link(inside / "bad", inside / "t2", follow_symlinks=False)
            os.rename(inside / "t2", inside / "now")

    swapper = threading.Thread(target=swap)
    swapper.start()
    path = "now" if swapped == "file" else "now/secret"
    errors = set()
    try:
        for _ in range(500):
            error = guest.try_open(path)
            errors.add(error)
            if error == "SUCCESS":
                fd = guest.number()
                assert guest.read(fd) == b"guest's"
                guest.close(fd)
    finally:
        stop.set()
        swapper.join()
    assert errors <= {"SUCCESS", "PERM", "NOENT"}


def test_file_replaced_by_a_link_at_the_last_moment(guest: Guest, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and opening, the file becomes a link: it is seen as one and resolved anew."""
    real = os.open

    def late(path: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == b"file":
            (world / "inside/file").unlink()
            (world / "inside/file").symlink_to("../outside/secret")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", late)
    assert guest.try_open("file") == "PERM"


def test_links_of_proc(tmp_path: Path) -> None:
    """Links of /proc lead to open files whatever they say; what they say is outside."""
    guest = Guest(Wasi(dirs=[Dir("/proc/self", "/", readonly=True)]))
    for path in ("root/etc/passwd", "cwd", "exe", "root"):
        assert guest.try_open(path) == "PERM", path
    with open(tmp_path / "open", "wb") as held:
        assert guest.try_open(f"fd/{held.fileno()}") == "PERM"
        pipe, other = os.pipe()
        assert guest.try_open(f"fd/{pipe}") == "NOENT"  # "pipe:[1]" is no name there
        os.close(pipe)
        os.close(other)


@pytest.mark.parametrize(
    "path", ["../outside/secret\0", "file\0/../../outside/secret", "\0", b"..\xff/x", b"\xc0\xae\xc0\xae/outside", b"\xed\xa0\x80"]
)
def test_strange_bytes(guest: Guest, path: "str | bytes") -> None:
    assert guest.try_open(path) in ("INVAL", "ILSEQ")


def test_long_paths(guest: Guest) -> None:
    assert guest.try_open("dir/" * 1000 + "../" * 2000) == "NAMETOOLONG"
    assert guest.try_open("dir/../" * 500 + "../outside/secret") == "PERM"
    assert guest.try_open("y" * 5000) == guest.try_open("y" * 300) == "NAMETOOLONG"


def test_numbers_of_host_descriptors_mean_nothing(guest: Guest, world: Path) -> None:
    with open(world / "outside/secret", "rb") as held, open(world / "outside/secret", "rb") as second:
        for number in {held.fileno(), second.fileno(), 4, 5, 100}:
            assert guest.call("fd_read", number, *guest.iovec((BUFFER, 10)), RESULT) == "BADF"
            assert guest.call("fd_renumber", number, 1) == "BADF"
            assert guest.call("fd_close", number) == "BADF"


def test_read_only_directories(world: Path) -> None:
    guest = Guest(Wasi(dirs=[Dir(world / "inside", "/", readonly=True), Dir(world / "inside/dir", "/rw")]))
    assert guest.read(guest.open("file", rights=READ)) == b"guest's"
    assert [name for name, _, _ in guest.entries(FIRST)]
    sub = guest.open("dir", DIRECTORY)
    for fd in (FIRST, sub):
        for error in (
            guest.try_open("new", CREAT, READ, fd=fd),
            guest.try_open("file", TRUNC, READ, fd=fd),
            guest.try_open("file", 0, WRITE, fd=fd),
            guest.try_open("file", 0, READ | WRITE, fd=fd),
            guest.call("path_create_directory", fd, "new"),
            guest.call("path_remove_directory", fd, "deep"),
            guest.call("path_unlink_file", fd, "file"),
            guest.call("path_symlink", "file", fd, "new"),
            guest.call("path_link", fd, 0, "file", fd, "new"),
            guest.call("path_link", fd, 0, "file", FIRST + 1, "new"),  # it could be written to under that name
            guest.call("path_rename", fd, "file", FIRST + 1, "new"),
            guest.call("path_rename", FIRST + 1, "deep", fd, "new"),
            guest.call("path_filestat_set_times", fd, 0, "file", 0, 0, 5),
        ):
            assert error == "NOTCAPABLE"
    fd = guest.open("file")
    for call in (
        ("fd_filestat_set_size", fd, 0),
        ("fd_allocate", fd, 0, 100),
        ("fd_filestat_set_times", fd, 0, 0, 5),
        ("fd_filestat_set_times", FIRST, 0, 0, 5),
    ):
        assert guest.call(*call) == "NOTCAPABLE", call
    assert guest.call("fd_write", fd, *guest.iovec((BUFFER, 1)), RESULT) == "BADF"
    assert guest.call("fd_fdstat_set_rights", fd, ALL, 0) == "NOTCAPABLE"
    assert (world / "inside/file").read_bytes() == b"guest's"


def test_rights_do_not_grow_by_moving(guest: Guest) -> None:
    """A file of a directory that passes on no writing gets no name in one that does."""
    limited = guest.open("dir", DIRECTORY)
    guest.good("fd_fdstat_get", limited, 64)
    guest.good("fd_fdstat_set_rights", limited, guest.number(72, 8), READ)
    assert guest.call("path_link", limited, 0, "deep", FIRST, "new") == "NOTCAPABLE"
    assert guest.call("path_rename", limited, "deep", FIRST, "new") == "NOTCAPABLE"
    guest.good("path_rename", FIRST, "file", limited, "file")


def test_two_guests_are_isolated(world: Path) -> None:
    wasi = Wasi(dirs={"/": world / "inside"})
    first, second = Guest(wasi), Guest(wasi)
    other = Guest(Wasi(dirs={"/": world / "inside/dir"}))
    number = first.open("file")
    assert second.call("fd_close", number) == other.call("fd_close", number) == "BADF"
    assert other.try_open("file") == "NOENT" and other.try_open("../file") == "PERM"
    assert Guest().try_open("file") == "BADF"


@pytest.fixture
def code_cache(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = world / "inside" / "cache" / "wasmjit"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "image").write_bytes(b"code")
    monkeypatch.setenv("WASMJIT_CACHE_DIR", str(folder))
    monkeypatch.setattr(protected, "_known", protected.Known())
    return folder


def test_the_folder_of_compiled_code(code_cache: Path, guest: Guest) -> None:
    (code_cache.parent / "link").symlink_to("wasmjit")
    for path in (
        "cache/wasmjit",
        "cache/wasmjit/",
        "cache/link",
        "cache/wasmjit/.",
        "cache/wasmjit/../wasmjit",
        "cache/wasmjit/image",
        "cache/link/image",
    ):
        assert guest.try_open(path) == guest.try_open(path, DIRECTORY) == "ACCES", path
    assert guest.try_open("cache/wasmjit/new", CREAT) == "ACCES"
    cache = guest.open("cache", DIRECTORY)
    assert guest.try_open("wasmjit/image", fd=cache) == guest.try_open("wasmjit", fd=cache) == "ACCES"
    for error in (
        guest.call("path_filestat_get", cache, 1, "wasmjit/image", 64),
        guest.call("path_unlink_file", cache, "wasmjit/image"),
        guest.call("path_rename", cache, "wasmjit/image", cache, "image"),
        guest.call("path_rename", FIRST, "file", cache, "wasmjit/image"),
        guest.call("path_rename", cache, "wasmjit", cache, "elsewhere"),
        guest.call("path_rename", FIRST, "dir", cache, "link/image"),
        guest.call("path_link", cache, 0, "wasmjit/image", cache, "image"),
        guest.call("path_symlink", "x", cache, "wasmjit/new"),
        guest.call("path_remove_directory", cache, "wasmjit"),
    ):
        assert error == "ACCES"
    assert os.listdir(code_cache) == ["image"]


def test_the_folder_of_compiled_code_is_not_replaced(code_cache: Path, guest: Guest) -> None:
    (code_cache / "image").unlink()
    assert guest.call("path_rename", FIRST, "dir", FIRST, "cache/wasmjit") == "ACCES"
    assert guest.call("path_rename", FIRST, "cache", FIRST, "elsewhere") == "ACCES"
    assert guest.call("path_remove_directory", FIRST, "cache/wasmjit") == "ACCES"
    assert os.listdir(code_cache.parent) == ["wasmjit"]


def test_the_folder_of_compiled_code_is_not_given(code_cache: Path) -> None:
    with pytest.raises(PermissionError):
        Wasi(dirs={"/": code_cache}).imports()
