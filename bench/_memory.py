"""Memory of a process and all that it starts: the proportional set size, in which shared pages count in parts (Linux)."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import sleep

EVERY = 0.01  # seconds between two looks: what is gone in between is not seen


def pss(process: int) -> int:
    """Bytes of a process that lives, 0 of another."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def tree(process: int) -> list[int]:
    """A process and its descendants."""
    found = [process]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def peak(words: Sequence[str], settings: Mapping[str, str]) -> int:
    """Run a command, its output to nowhere; the most bytes that it and its descendants had together."""
    process = subprocess.Popen(words, env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, sum(map(pss, tree(process.pid))))
        sleep(EVERY)
    return most
