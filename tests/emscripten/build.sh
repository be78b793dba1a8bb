#!/bin/sh
# Builds the modules here with Emscripten, from their sources beside them. Those that are committed come from version 3.1.6.
set -e
cd "$(dirname "$0")"
emcc -O2 program.c -o program.js -sALLOW_MEMORY_GROWTH=1 -sMAXIMUM_MEMORY=64MB -sEXPORTED_FUNCTIONS=_main,_fflush
emcc -O2 unwinding.c -o unwinding.js
em++ -O2 -fexceptions exceptions.cc -o exceptions.js
emcc -O2 files.c -o files.js
emcc -O3 minified.c -o minified.js -sEXPORTED_FUNCTIONS=_main,_malloc,_free,_add,_twice
rm program.js unwinding.js exceptions.js files.js
