"""`python -m wasmjit.native`: make, check and install native images.

Without options it writes the baseline images that release wheels carry, `native/images/native-<level>.img`.
"""

import argparse
import os
import sys
import time

from wasmjit import _image
from wasmjit.native import imagefile, processor, provide
from wasmjit.native.cache import Cache
from wasmjit.native.target import Target

# processors of release images: x86-64 levels of the psABI (v2: 2009 and later, v3: 2013 and later)
BASELINES = {
    "x86_64-v2": Target("x86_64-unknown-linux-gnu", "x86-64-v2"),
    "x86_64-v3": Target("x86_64-unknown-linux-gnu", "x86-64-v3"),
}


def write_baselines(folder: str) -> None:
    """Build every baseline image into a folder."""
    os.makedirs(folder, exist_ok=True)
    for level, target in BASELINES.items():
        path = os.path.join(folder, f"{_image.NAME}-{level}.img")
        start = time.perf_counter()
        data = _image.build(target)
        temporary = f"{path}.new"
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
        print(f"{path}: {len(data)} bytes, {time.perf_counter() - start:.1f} s")


def build_host() -> int:
    """Build the image for this very processor into the cache; the exit status."""
    data = _image.build()
    with Cache() as cache:
        entry = provide.entry_name(_image.NAME, processor.features())
        if not cache.write(entry, data, imagefile.digest(data)):
            print(f"wasmjit: not written: {cache.reason}", file=sys.stderr)
            return 1
        cache.prune()
        print(f"{cache.path}/{entry}: {len(data)} bytes")
    return 0


def check_images() -> int:
    """Report on the cached and the shipped images; 0 if this machine has one that fits the sources."""
    words = processor.features()
    usable = False
    with Cache() as cache:
        entry = provide.entry_name(_image.NAME, words)
        found = [(f"{cache.path or 'cache'}/{entry}", _read(cache.read(entry)))]
    for level in processor.levels(words):
        path = os.path.join(provide.SHIPPED, f"{_image.NAME}-{level}.img")
        found.append((path, _read(os.open(path, os.O_RDONLY) if os.path.exists(path) else -1)))
    for path, data in found:
        state = _state(data)
        usable = usable or state == "good"
        print(f"{path}: {state}")
    return 0 if usable else 1


def _read(descriptor: int) -> bytes | None:
    if descriptor < 0:
        return None
    with open(descriptor, "rb") as file:
        return file.read()


def _state(data: bytes | None) -> str:
    if data is None:
        return "missing"
    try:
        words = imagefile.check(data)
    except imagefile.ImageError as error:
        return str(error)
    sources = imagefile.sources(data, words)
    return "good" if provide.contents(sources) == words[imagefile.KEY] else "made from other sources"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m wasmjit.native", description="Make, check and install native images.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--build", action="store_true", help="build the image for this processor into the cache")
    action.add_argument("--check", action="store_true", help="tell which images there are and whether they fit the sources")
    parser.add_argument("--output", default=provide.SHIPPED, metavar="DIR", help="where baseline images go (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.check:
        return check_images()
    if options.build:
        return build_host()
    write_baselines(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
