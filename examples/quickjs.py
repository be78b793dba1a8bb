"""JavaScript in WebAssembly, called from Python: QuickJS of quickjs-emscripten, without the JavaScript that it comes with.

python examples/quickjs.py "[1, 2, 3].map(n => n * n)"
"""

import sys

import npm

import wasmjit

PACKAGE = "@jitl/quickjs-wasmfile-debug-sync@0.31.0"  # the debug build has the names of what it imports
FILE = "dist/emscripten-module.wasm"
SCRIPT = "const squares = [1, 2, 3].map(n => n * n); JSON.stringify({squares, first: new Date(0).toISOString()})"


class Engine:
    """One context of QuickJS, which sees nothing but JavaScript."""

    def __init__(self, module: wasmjit.Module) -> None:
        self.guest = wasmjit.load(module)
        self.calls = self.guest.exports
        self.context = self.calls.QTS_NewContext(self.calls.QTS_NewRuntime(), 0)

    def evaluate(self, script: str, timeout: float | None = None) -> str:
        """The value of a script as text. RuntimeError: what it throws, as text. wasmjit.Timeout: it takes more seconds."""
        source, name = self.text(script), self.text("script.js")
        value = self.calls.QTS_Eval(self.context, source, len(script.encode()), name, 0, 0, timeout=timeout)
        thrown = self.calls.QTS_ResolveException(self.context, value)
        if thrown:
            raise RuntimeError(self.string(thrown))
        return self.string(value)

    def text(self, text: str) -> int:
        """A C string of the guest's."""
        encoded = text.encode() + b"\0"
        pointer: int = self.calls.malloc(len(encoded))
        self.guest.memory.write(pointer, encoded)
        return pointer

    def string(self, value: int) -> str:
        """A value as String() of JavaScript shows it."""
        return self.guest.memory.read_str(self.calls.QTS_GetString(self.context, value))


def main() -> None:
    engine = Engine(wasmjit.Module(npm.read(PACKAGE, FILE)))
    print(engine.evaluate(sys.argv[1] if len(sys.argv) > 1 else SCRIPT))
    try:
        engine.evaluate("for (;;) {}", timeout=0.5)
    except wasmjit.Timeout:
        print("a script without end was stopped after half a second")


if __name__ == "__main__":
    main()
