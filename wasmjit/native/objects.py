"""IR texts -> objects: large texts each in a process of its own, at once, and remembered.

A process of its own also keeps LLVM out of the process that runs wasm (55 MB), and LLVM's fatal errors, which abort.
"""

import marshal
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence

from wasmjit.native import processor, provide
from wasmjit.native.cache import PACKAGE, SUFFIX, Cache
from wasmjit.native.target import EmitError, Target

LARGE = 200_000  # characters of IR from which a process pays: it costs 0.15 s to start
_DIGEST = 8  # bytes before a remembered object
_CHILD = "import sys; sys.path[:] = {path!r}; from wasmjit.native.objects import work; work()"
_REFERENCE = re.compile(r"@([\w.$]+)")
_ASSEMBLY = re.compile(r'^module asm "(.*)"$', re.MULTILINE)
_WORD = re.compile(r"[\w.$]+")


def emit_objects(texts: Sequence[str], target: Target | None, entered: Callable[[str], bool], level: int = 2) -> list[bytes]:
    """Compile IR texts to objects that refer to each other.

    entered: tells the functions that are called from outside all of them. Raises EmitError.
    """
    groups = _groups(texts)
    entries = _entries(groups, entered)
    if len(groups) == 1 and sum(map(len, groups[0])) < LARGE or not _python():
        from wasmjit.native.emit import emit

        return [emit(group, target, level=level, entries=names.__contains__) for group, names in zip(groups, entries, strict=True)]
    with Cache() as cache:
        jobs = [_Job(cache, group, target, level, sorted(names)) for group, names in zip(groups, entries, strict=True)]
        try:
            return [job.result() for job in jobs]
        finally:
            for job in jobs:
                job.end()


def work() -> None:
    """The other process: a job on standard input, its outcome on standard output."""
    from wasmjit.native.emit import emit

    texts, target, level, names = marshal.load(sys.stdin.buffer)
    try:
        outcome = emit(texts, None if target is None else Target(*target), level=level, entries=set(names).__contains__)
    except EmitError as error:
        marshal.dump(str(error), sys.stdout.buffer)
    else:
        marshal.dump(outcome, sys.stdout.buffer)


class _Job:
    """One object in the making, or remembered."""

    def __init__(self, cache: Cache, texts: list[str], target: Target | None, level: int, names: list[str]) -> None:
        import llvmlite

        machine = tuple(processor.features()) if target is None else (target.triple, target.cpu, target.features)
        key = provide.digest(marshal.dumps((texts, machine, level, names, llvmlite.__version__)))
        self._cache, self._entry = cache, f"object-{key:016x}{SUFFIX}"
        self._known = self._remembered()
        self._process: subprocess.Popen[bytes] | None = None
        if self._known is None:
            machine_names = None if target is None else (target.triple, target.cpu, target.features)
            self._process = _start(marshal.dumps((texts, machine_names, level, names)))

    def result(self) -> bytes:
        """The object. Raises EmitError."""
        if self._process is None:
            return self._known or b""
        output, errors = self._process.communicate()
        if self._process.returncode:
            raise EmitError(f"the compiling process ended with {self._process.returncode}: {errors.decode(errors='replace').strip()}")
        outcome: bytes | str = marshal.loads(output)
        if isinstance(outcome, str):
            raise EmitError(outcome)
        self._cache.write(self._entry, provide.digest(outcome).to_bytes(_DIGEST, "little") + outcome)
        return outcome

    def end(self) -> None:
        """Stop the process if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def _remembered(self) -> bytes | None:
        descriptor = self._cache.read(self._entry)
        if descriptor < 0:
            return None
        with open(descriptor, "rb") as file:
            data = file.read()
        known = data[_DIGEST:]
        return known if provide.digest(known).to_bytes(_DIGEST, "little") == data[:_DIGEST] else None


def _start(job: bytes) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _CHILD.format(path=[os.path.dirname(PACKAGE), *sys.path]),
    ]  # an editable install may be in no path
    with open(os.memfd_create("job"), "w+b") as file:
        file.write(job)
        file.seek(0)
        return subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _groups(texts: Sequence[str]) -> list[list[str]]:
    """Each large text alone; the small ones go with the first."""
    large = [[text] for text in texts if len(text) >= LARGE]
    small = [text for text in texts if len(text) < LARGE]
    return [[*large[0], *small], *large[1:]] if large else [small]


def _entries(groups: list[list[str]], entered: Callable[[str], bool]) -> list[set[str]]:
    """For each group the functions that others enter: by `entered`, from another group, from assembly text."""
    mentioned = [{name for text in group for name in _REFERENCE.findall(text)} for group in groups]
    assembly = {word for group in groups for text in group for line in _ASSEMBLY.findall(text) for word in _WORD.findall(line)}
    entries = []
    for i, names in enumerate(mentioned):
        others = assembly.union(*(mentioned[:i] + mentioned[i + 1 :]))
        entries.append({name for name in names if name in others or entered(name)})
    return entries


def _python() -> bool:
    """Whether a Python can be started; an embedding program's own file must not be run."""
    return bool(sys.executable) and os.path.basename(sys.executable).startswith("python")
