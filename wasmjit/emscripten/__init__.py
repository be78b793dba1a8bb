"""Modules of Emscripten without their JavaScript: its support functions, over the descriptors of WASI.

They stand for imports that nobody gave, in modules that are recognised as Emscripten's; wasmjit.load, run and Instance do that by
themselves. table.py has a row for each function, one file a family beside it. Only optimized builds whose names are short need a word:
`wasmjit.run(wasmjit.emscripten.glue("tool.js").module("tool.wasm"))`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.emscripten._names import Glue as Glue
    from wasmjit.emscripten._names import glue as glue

__all__ = ["Glue", "glue"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from wasmjit.emscripten import _names

        return getattr(_names, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
