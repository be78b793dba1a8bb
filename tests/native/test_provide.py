"""Which image is used: a fresh one from the cache, a shipped one, a new one. Every bad cache ends in a run that works."""

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native import sample
from tests.paths import ROOT
from wasmjit.native import imagefile, processor, provide
from wasmjit.native.build import build_image
from wasmjit.native.cache import Cache
from wasmjit.native.sources import snapshot

SOURCE = "source.py"


class World:
    """A package of one source file with a cache; `builds` counts."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "package"
        self.cache = folder / "cache"
        self.shipped = folder / "shipped"
        for path in (self.package, self.shipped):
            path.mkdir()
        (folder / "pyproject.toml").touch()  # a checkout
        self.builds = 0
        self.write("first")

    def write(self, text: str) -> None:
        (self.package / SOURCE).write_text(text)

    def build(self) -> bytes:
        self.builds += 1
        return build_image([], [sample.IR], sources=snapshot([SOURCE]))

    def open(self) -> imagefile.Image:
        image = provide.open_image("test", self.build, str(self.cache))
        assert image.count() == 41
        return image

    @property
    def entry(self) -> Path:
        (path,) = self.cache.iterdir()
        return path

    def replace(self, data: bytes) -> None:
        with Cache(str(self.cache)) as cache:
            assert cache.write(self.entry.name, data)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setattr(provide, "PACKAGE", str(world.package))
    monkeypatch.setattr(provide, "SHIPPED", str(world.shipped))
    return world


def mapped_from(folder: Path) -> bool:
    return str(folder) in Path("/proc/self/maps").read_text()


def test_built_once(world: World) -> None:
    world.open()
    world.open()
    assert world.builds == 1
    assert mapped_from(world.cache)


def test_a_changed_source_is_compiled(world: World) -> None:
    world.open()
    world.write("other")
    world.open()
    world.open()
    assert world.builds == 2


def test_a_touched_source_is_not(world: World) -> None:
    world.open()
    before = world.entry.read_bytes()
    os.utime(world.package / SOURCE, (5, 5))
    world.open()
    assert world.builds == 1
    assert imagefile.check(before)[imagefile.KEY] == imagefile.check(world.entry.read_bytes())[imagefile.KEY]
    assert before != world.entry.read_bytes()  # stamped anew: the next start does not read the sources


def test_an_installed_package_is_judged_by_one_file(world: World) -> None:
    (world.package / "other.py").write_text("")
    stamps = set()
    for checkout in (True, False):
        if not checkout:
            (world.package.parent / "pyproject.toml").unlink()
        for at in (1, 2):
            os.utime(world.package / "other.py", (at, at))
            stamps.add(provide.stamp([SOURCE, "other.py"]))
    assert len(stamps) == 3  # two of the checkout


def test_an_edit_during_the_build(world: World) -> None:
    built = world.build

    def build() -> bytes:
        data = built()
        world.write("meanwhile")
        return data

    assert provide.open_image("test", build, str(world.cache)).count() == 41
    world.open()
    world.open()
    assert world.builds == 2


def test_same_size_and_time_do_not_fool_it(world: World) -> None:
    world.open()
    status = (world.package / SOURCE).stat()
    world.write("FIRST")
    os.utime(world.package / SOURCE, ns=(status.st_atime_ns, status.st_mtime_ns))
    world.open()
    assert world.builds == 2


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[:-4096],
    "header only": lambda data: data[:4096],
    "zeroed": lambda data: bytes(len(data)),
    "flipped in the header": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "flipped in the code": lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
    "flipped at the end": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "text": lambda data: b"no image" * 1000,
    "other version": lambda data: data[:7] + b"\x7f" + data[8:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_rebuilt(world: World, damage: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]) -> None:
    world.open()
    world.replace(damage(world.entry.read_bytes()))
    world.open()
    world.open()
    assert world.builds == 2
    assert capfd.readouterr() == ("", "")


def test_a_writable_entry_is_rebuilt(world: World) -> None:
    world.open()
    world.entry.chmod(0o666)
    world.open()
    assert world.builds == 2
    assert world.entry.stat().st_mode & 0o777 == 0o600


def test_a_linked_entry_is_rebuilt(world: World, tmp_path: Path) -> None:
    world.open()
    world.entry.rename(tmp_path / "moved")
    (world.cache / provide.entry_name("test", processor.features())).symlink_to(tmp_path / "moved")
    world.open()
    assert world.builds == 2
    assert not world.entry.is_symlink()


def test_an_unusable_folder(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever waits for the build of each start is told why, terminal or not."""
    world.cache.mkdir()
    world.cache.chmod(0o755)
    world.open()
    assert not any(world.cache.iterdir())
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and f"each start builds it again: {world.cache}: open to others (chmod 700" in told
    world.cache.chmod(0o700)
    world.open()
    world.open()
    assert world.builds == 2 and capfd.readouterr().err == ""


def test_no_cache(world: World) -> None:
    for _ in range(2):
        assert provide.open_image("test", world.build, False).count() == 41
    assert world.builds == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount")
@pytest.mark.parametrize("options", ["noexec,mode=700", "size=8k,mode=700", "ro,mode=700"])
def test_file_systems(world: World, options: str) -> None:
    world.cache.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(world.cache)], capture_output=True).returncode:
        pytest.skip("cannot mount")
    try:
        world.open()
        world.open()
        assert world.builds == (1 if "noexec" in options else 2)
        assert not mapped_from(world.cache)
    finally:
        subprocess.run(["umount", "-l", str(world.cache)], check=True)


def level() -> str:
    found = processor.levels(processor.features())
    if not found:
        pytest.skip("no baseline for this processor")
    return found[-1]


def test_a_shipped_image(world: World) -> None:
    (world.shipped / f"test-{level()}.img").write_bytes(world.build())
    world.open()
    world.open()
    assert world.builds == 1  # only the shipped one
    assert mapped_from(world.cache) and not mapped_from(world.shipped)


def test_a_shipped_image_without_llvmlite_says_once_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.shipped / f"test-{level()}.img").write_bytes(world.build())
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    world.open()
    world.open()
    assert terminal.getvalue().count("programs run in the interpreter only") == 1


def test_a_shipped_image_without_a_cache(world: World) -> None:
    (world.shipped / f"test-{level()}.img").write_bytes(world.build())
    assert provide.open_image("test", world.build, False).count() == 41
    assert world.builds == 1


def test_a_stale_shipped_image(world: World) -> None:
    (world.shipped / f"test-{level()}.img").write_bytes(world.build())
    world.write("other")
    world.open()
    assert world.builds == 2


def test_without_sources_a_shipped_image_is_trusted(world: World) -> None:
    (world.shipped / f"test-{level()}.img").write_bytes(world.build())
    (world.package / SOURCE).unlink()
    world.open()
    assert world.builds == 1


def test_without_a_compiler(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(ImportError, match="pip install llvmlite"):
        world.open()
    monkeypatch.undo()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_building_is_said_once_on_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    world.open()
    world.open()
    assert terminal.getvalue() == "wasmjit: building native image (once) ...\n"
    world.cache.chmod(0o755)
    world.open()
    assert "chmod 700" in terminal.getvalue()


def test_two_processes_at_once(world: World) -> None:
    program = textwrap.dedent(f"""
        from wasmjit.native import provide
        from wasmjit.native.build import build_image
        from wasmjit.native.sources import snapshot
        from tests.native import sample
        provide.PACKAGE = {str(world.package)!r}
        image = provide.open_image("test", lambda: build_image([], [sample.IR], sources=snapshot([{SOURCE!r}])), {str(world.cache)!r})
        assert image.count() == 41
    """)
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    world.open()
    assert world.builds == 0


def test_the_run_path_imports_little(world: World) -> None:
    program = "import sys; before = set(sys.modules); import wasmjit.native.provide; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[0:0] = [{str(ROOT)!r}]; import os; {program}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert set(done.stdout.split()) <= {
        "_ctypes", "wasmjit", "wasmjit.native", "wasmjit.native.cache", "wasmjit.native.imagefile", "wasmjit.native.processor",
        "wasmjit.native.provide", "_struct",
    }  # fmt: skip
