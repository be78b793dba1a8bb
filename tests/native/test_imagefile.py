"""The image file: loading from a file and from memory, damage, protections, exports."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native import sample
from wasmjit.native import build_and_load, imagefile
from wasmjit.native.build import build_image

Loader = Callable[[bytes], imagefile.Image]
PAGE = 4096


def from_file(data: bytes, folder: Path) -> imagefile.Image:
    path = folder / f"image{len(os.listdir(folder))}"  # a mapped file must not be written again
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return imagefile.load_file(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture(params=["file", "memory", "forbidden"])
def load(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Each way of loading; forbidden: the file system does not allow execution."""
    if request.param == "memory":
        return imagefile.load_bytes
    if request.param == "forbidden":
        mapped = imagefile._map
        monkeypatch.setattr(imagefile, "_map", lambda *a: imagefile._FAILED if a[3] >= 0 else mapped(*a))
    return lambda data: from_file(data, tmp_path)


def protection(address: int) -> str:
    """The mapping's permissions, as /proc writes them: "r-xp"."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            places, permissions, *_ = line.split()
            start, end = (int(place, 16) for place in places.split("-"))
            if start <= address < end:
                return permissions
    raise LookupError(hex(address))


def test_exports_run(load: Loader) -> None:
    image = load(sample.image())
    assert [image.count(), image.count()] == [41, 42]
    assert image.length() == 7
    assert image.count.__name__ == "count"
    with pytest.raises(ValueError, match="no good"):
        image.fail()


def test_every_load_has_its_own_variables(load: Loader) -> None:
    first, second = load(sample.image()), load(sample.image())
    first.count()
    assert second.count() == 41


def test_addresses_are_relocated(load: Loader) -> None:
    image = load(sample.image())
    functions = imagefile.functions(image)
    assert image.place(1) == functions["py_count"][0]
    assert image.place(2) not in (0, image.place(1))
    assert all(0 < size < 500 for _, size in functions.values())


def test_no_page_is_writable_and_executable(load: Loader) -> None:
    image = load(sample.image())
    assert protection(image.place(1)) == "r-xp"  # code
    assert protection(image.place(5)) == "r-xp"  # read-only data
    assert protection(image.place(3)) == "r--p"  # relro
    assert protection(image.place(0)) == protection(image.place(4)) == "rw-p"
    base, size, _ = image._mapping
    assert {protection(at) for at in range(base, base + size, PAGE)} == {"r-xp", "r--p", "rw-p"}


def test_an_export_outlives_the_image_object() -> None:
    count = imagefile.load_bytes(sample.image()).count
    assert count() == 41


@pytest.mark.parametrize("size", [0, 1, 100, PAGE, -PAGE, -1])
def test_truncated(load: Loader, size: int) -> None:
    with pytest.raises(imagefile.ImageError):
        load(sample.image()[:size])


@pytest.mark.parametrize("at", [0, 8, 16, 24, 60, PAGE + 5, -1])
def test_a_flipped_bit(load: Loader, at: int) -> None:
    data = bytearray(sample.image())
    data[at] ^= 4
    with pytest.raises(imagefile.ImageError):
        load(bytes(data))


def test_refused_by_the_caller(tmp_path: Path) -> None:
    with pytest.raises(imagefile.ImageError, match="other sources"):
        imagefile.load_bytes(sample.image(), lambda data, words: False)


def test_a_refused_file_is_unmapped(tmp_path: Path) -> None:
    with pytest.raises(imagefile.ImageError):
        from_file(sample.image()[:-1] + b"!", tmp_path)
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_a_missing_symbol_is_named(load: Loader) -> None:
    data = build_image(
        [],
        ["declare void @no_such_function()\ndefine ptr @py_f(ptr %a, ptr %b, i64 %c) {\n call void @no_such_function()\n ret ptr null\n}"],
    )
    with pytest.raises(imagefile.ImageError, match="lacks no_such_function"):
        load(data)


def test_another_machine() -> None:
    from wasmjit.native.target import Target

    data = build_image([], [sample.IR], target=Target("aarch64-unknown-linux-gnu", "generic"))
    if os.uname().machine != "aarch64":
        with pytest.raises(imagefile.ImageError, match="another machine"):
            imagefile.load_bytes(data)


def test_stamped_changes_nothing_else() -> None:
    again = imagefile.stamped(sample.image(), 77)
    assert imagefile.check(again)[imagefile.STAMP] == 77
    assert again[PAGE:] == sample.image()[PAGE:]


def test_build_and_load_takes_one_text() -> None:
    assert build_and_load([], sample.IR).count() == 41
