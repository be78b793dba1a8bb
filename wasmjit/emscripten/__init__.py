"""Modules of Emscripten without their JavaScript: its support functions, over the descriptors of WASI.

They stand for imports that nobody gave, in modules that are recognised as Emscripten's; wasmjit.load, run and Instance do that by
themselves. table.py has a row for each function, one file a family beside it.
"""
