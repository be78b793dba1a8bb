"""Decoder and validator of the binary format (WebAssembly 2.0 without SIMD, plus extended-const), native code.

The modules here but `errors` are restricted Python: build-time only. What they export, `N = native()`:

Loading
    N.mod_load(address, nbytes, flags, threads) -> mod
        Decodes and validates `nbytes` bytes at `address` with the GIL released. flags: MOD_* of runtime.codes; threads: 0 chooses.
        `mod` is the address of a `Mod` of runtime.structs, 0 when memory ran out; look at `mod_error` next. The bytes must
        outlive it: the caller keeps the bytes object or the mapping. Refused modules, too, are freed with `mod_free`.
    N.mod_free(mod)                           frees everything the decoder made; slot code is freed by its owner before.
    N.mod_error(mod) -> None | (offset, code, a, b, c, d)
        Why it was refused: byte offset, ERR_* of binary.errors, arguments. `binary.errors.explain(error)` -> (message, feature):
        feature is the name of the missing feature when the module only needs one that is not enabled, else None.
    N.bytes_address(obj: bytes) -> address    of a bytes object's data.
    N.map_file(fd, nbytes) -> address         private read-only mapping; raises OSError. The file must stay as it is: one that
        is truncated while mapped gives SIGBUS, one that is overwritten is no longer what was validated (replacing it by
        rename is fine). Files below MAP_FROM bytes are better read.
    N.unmap_file(address, nbytes)

Descriptions: plain tuples, made when asked for. kind: "func" "table" "memory" "global".
    A type's tail, by kind ("i32" "i64" "f32" "f64" "funcref" "externref"; max is None when there is none):
        func    ((params...), (results...))
        table   (reftype, min, max)
        memory  (min, max, flags)             in pages; flags as encoded: 2 shared, 4 64-bit
        global  (valtype, mutable: bool)
    N.mod_imports(mod)   -> ((module, name, kind, index, *tail), ...)     index: in its index space
    N.mod_exports(mod)   -> ((name, kind, index), ...)
    N.mod_type(mod, kind_number, index) -> tail                           kind_number: 0 func 1 table 2 memory 3 global; IndexError
    N.mod_functype(mod, funcidx) -> ((params...), (results...))           IndexError
    N.mod_func_name(mod, funcidx) -> str | None                           from the name section; None when it names none
    N.mod_name(mod) -> str | None                                         the module's own name
    N.mod_customs(mod)   -> ((name, offset, nbytes), ...)                 payloads, in order
    N.mod_sections(mod)  -> ((id, offset, nbytes), ...)                   payloads of all sections, in order
    N.mod_counts(mod)    -> (types, functions, tables, memories, globals, elems, datas, imports, exports, imported functions, start | -1)
    N.mod_features(mod)  -> int                                           bit i: isa.FEATURES[i] is used
"""

MAP_FROM = 4 << 20  # files of this many bytes are mapped; smaller ones are read, which costs no more
