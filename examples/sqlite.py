"""SQLite in WebAssembly, called from Python: sql.js, which Emscripten built for browsers, without its JavaScript.

python examples/sqlite.py "select sqlite_version(), 2 + 3"
"""

import sys
from collections.abc import Iterator

import npm

import wasmjit

PACKAGE, FILE = "sql.js@1.13.0", "dist/sql-wasm-debug.wasm"  # the debug build has the names of what it imports
ROW, DONE = 100, 101


class Database:
    """An SQLite database in a file of the directories given to it."""

    def __init__(self, module: wasmjit.Module, path: str, dirs: list[wasmjit.Dir]) -> None:
        self.guest = wasmjit.load(module, wasi=wasmjit.Wasi(dirs=dirs))
        self.calls = self.guest.exports
        self.cell = self.calls.malloc(4)
        self.check(self.calls.sqlite3_open(self.text(path), self.cell))
        self.handle = self.pointer()

    def text(self, text: str) -> int:
        """A C string of the guest's."""
        encoded = text.encode() + b"\0"
        pointer: int = self.calls.malloc(len(encoded))
        self.guest.memory.write(pointer, encoded)
        return pointer

    def pointer(self) -> int:
        """What the last call stored in the cell."""
        return int.from_bytes(self.guest.memory.read(self.cell, 4), "little")

    def check(self, status: int) -> None:
        """Raise what SQLite says of a call that failed."""
        if status:
            raise RuntimeError(self.guest.memory.read_str(self.calls.sqlite3_errmsg(self.pointer())))

    def query(self, sql: str) -> Iterator[list[str | None]]:
        """The rows that a statement gives, each value as text."""
        statement = self.text(sql)
        status = self.calls.sqlite3_prepare_v2(self.handle, statement, -1, self.cell, 0)
        self.calls.free(statement)
        prepared = self.pointer()
        try:
            while status in (0, ROW):
                status = self.calls.sqlite3_step(prepared)
                if status == ROW:
                    yield [self.value(prepared, column) for column in range(self.calls.sqlite3_column_count(prepared))]
            if status != DONE:
                raise RuntimeError(self.guest.memory.read_str(self.calls.sqlite3_errmsg(self.handle)))
        finally:
            self.calls.sqlite3_finalize(prepared)

    def value(self, statement: int, column: int) -> str | None:
        """A value of the current row, None for NULL."""
        pointer = self.calls.sqlite3_column_text(statement, column)
        return self.guest.memory.read_str(pointer) if pointer else None


def main() -> None:
    files = wasmjit.Dir.memory({}, "/data")
    database = Database(wasmjit.Module(npm.read(PACKAGE, FILE)), "/data/fruit.db", [files])
    for sql in ("create table fruit (name, weight)", "insert into fruit values ('apple', 182), ('plum', 66), ('melon', 1430)"):
        list(database.query(sql))
    for row in database.query(sys.argv[1] if len(sys.argv) > 1 else "select name, weight from fruit order by weight desc"):
        print(*row, sep="\t")
    print(f"fruit.db has {len(files['fruit.db'])} bytes")


if __name__ == "__main__":
    main()
