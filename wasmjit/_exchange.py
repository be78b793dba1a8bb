"""What `Process.communicate` does: input to a guest and output of it at once, so that neither waits for the other in vain."""

import os
import select
from time import monotonic

from ._guest import look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIECE = 1 << 16  # bytes read at once


class Exchange:
    """Moves `data` to the file `stdin` and all that comes from the files `outputs`, any of them None, and closes them.

    `run` can be called again to go on.
    """

    def __init__(self, stdin: "Any", outputs: "tuple[Any, Any]", data: bytes) -> None:
        self.stdin = stdin
        self.outputs = outputs
        self.rest = memoryview(data)
        self.pieces: tuple[list[bytes], list[bytes]] = ([], [])

    def run(self, deadline: float | None) -> bool:
        """Move everything; False when it was not done at `deadline`, a time of time.monotonic(). OSError but for a reader that has gone."""
        poller = select.poll()
        open_files: dict[int, Any] = {}
        if self._begin_input():
            open_files[self.stdin.fileno()] = None
            poller.register(self.stdin, select.POLLOUT)
        for file, pieces in zip(self.outputs, self.pieces, strict=True):
            if file is not None and not file.closed:
                open_files[file.fileno()] = file, pieces
                poller.register(file, select.POLLIN)
        while open_files:
            ready = poller.poll(look(deadline) * 1000)
            if not ready and deadline is not None and monotonic() >= deadline:
                return False
            for number, _ in ready:
                if self._move(open_files[number]):
                    poller.unregister(number)
                    del open_files[number]
        return True

    def collected(self) -> list[bytes | None]:
        """What came of each output so far."""
        return [None if file is None else b"".join(pieces) for file, pieces in zip(self.outputs, self.pieces, strict=True)]

    def _begin_input(self) -> bool:
        """Whether there is something to write: what the embedder has written before goes first."""
        stdin = self.stdin
        if stdin is None or stdin.closed:
            return False
        try:
            stdin.flush()
        except BrokenPipeError:
            self.rest = self.rest[:0]
        return bool(self.rest) or not self._end_input()

    def _end_input(self) -> bool:
        """Close the guest's input. True."""
        try:
            self.stdin.close()
        except BrokenPipeError:  # close() flushed what could not be before
            pass
        return True

    def _move(self, output: "Any") -> bool:
        """Move what can be of an output, of the input for None; whether that was all."""
        if output is None:
            try:
                self.rest = self.rest[os.write(self.stdin.fileno(), self.rest[: select.PIPE_BUF]) :]
            except BrokenPipeError:
                self.rest = self.rest[:0]
            return not self.rest and self._end_input()
        file, pieces = output
        binary = getattr(file, "buffer", file)
        piece = getattr(binary, "read1", binary.read)(PIECE)
        if piece:
            pieces.append(piece)
            return False
        file.close()
        return True
