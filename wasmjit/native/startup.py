"""IR of the code that an image runs first: it links itself and makes its exports.

    u64  image_link(base, dlsym)    adds the base to every relocated word, looks up every import;
                                    0, or the address of the name that nobody defines
    dict image_exports(dict)        a builtin for every `py_` function into a Python dict; null: an exception is set

`image_link` must not touch the global offset table: it fills it. The layout of the header is `imagefile`'s.
"""

from collections.abc import Iterable

from wasmjit.native.imagefile import IMPORT_COUNT, IMPORTS, RELOCATION_COUNT, RELOCATIONS

METH_FASTCALL = 0x80

_LINK = f"""
define i64 @image_link(ptr %base, ptr %dlsym) #0 {{
entry:
  %base.int = ptrtoint ptr %base to i64
  %relocations.place = getelementptr i64, ptr %base, i64 {RELOCATIONS}
  %relocations.offset = load i64, ptr %relocations.place
  %relocations = getelementptr i8, ptr %base, i64 %relocations.offset
  %relocation.count.place = getelementptr i64, ptr %base, i64 {RELOCATION_COUNT}
  %relocation.count = load i64, ptr %relocation.count.place
  %imports.place = getelementptr i64, ptr %base, i64 {IMPORTS}
  %imports.offset = load i64, ptr %imports.place
  %imports = getelementptr i8, ptr %base, i64 %imports.offset
  %import.count.place = getelementptr i64, ptr %base, i64 {IMPORT_COUNT}
  %import.count = load i64, ptr %import.count.place
  br label %relocate
relocate:
  %i = phi i64 [ 0, %entry ], [ %i.next, %relocate.one ]
  %relocate.more = icmp ult i64 %i, %relocation.count
  br i1 %relocate.more, label %relocate.one, label %resolve
relocate.one:
  %offset.place = getelementptr i32, ptr %relocations, i64 %i
  %offset.32 = load i32, ptr %offset.place
  %offset = zext i32 %offset.32 to i64
  %word = getelementptr i8, ptr %base, i64 %offset
  %inside = load i64, ptr %word
  %address = add i64 %inside, %base.int
  store i64 %address, ptr %word
  %i.next = add i64 %i, 1
  br label %relocate
resolve:
  %k = phi i64 [ 0, %relocate ], [ %k.next, %resolve.store ]
  %resolve.more = icmp ult i64 %k, %import.count
  br i1 %resolve.more, label %resolve.one, label %done
resolve.one:
  %name.place = getelementptr {{ i32, i32 }}, ptr %imports, i64 %k
  %name.32 = load i32, ptr %name.place
  %name.offset = zext i32 %name.32 to i64
  %name = getelementptr i8, ptr %base, i64 %name.offset
  %slot.place = getelementptr {{ i32, i32 }}, ptr %imports, i64 %k, i32 1
  %slot.32 = load i32, ptr %slot.place
  %slot.offset = zext i32 %slot.32 to i64
  %slot = getelementptr i8, ptr %base, i64 %slot.offset
  %found = call ptr %dlsym(ptr null, ptr %name)
  %absent = icmp eq ptr %found, null
  br i1 %absent, label %missing, label %resolve.store
resolve.store:
  store ptr %found, ptr %slot
  %k.next = add i64 %k, 1
  br label %resolve
missing:
  %missing.name = ptrtoint ptr %name to i64
  ret i64 %missing.name
done:
  ret i64 0
}}
"""

_TYPES = "%PyMethodDef = type { ptr, ptr, i32, ptr }\n"

_EXPORTS = """
declare ptr @PyCFunction_NewEx(ptr, ptr, ptr)
declare i32 @PyDict_SetItemString(ptr, ptr, ptr)
declare void @Py_DecRef(ptr)
declare void @Py_IncRef(ptr)

define ptr @image_exports(ptr %dict) #0 {
entry:
  br label %next
next:
  %method = phi ptr [ @image_methods, %entry ], [ %method.next, %add ]
  %name = load ptr, ptr %method
  %end = icmp eq ptr %name, null
  br i1 %end, label %done, label %make
make:
  %builtin = call ptr @PyCFunction_NewEx(ptr %method, ptr null, ptr null)
  %failed = icmp eq ptr %builtin, null
  br i1 %failed, label %error, label %add
add:
  %status = call i32 @PyDict_SetItemString(ptr %dict, ptr %name, ptr %builtin)
  call void @Py_DecRef(ptr %builtin)
  %method.next = getelementptr %PyMethodDef, ptr %method, i64 1
  %added = icmp eq i32 %status, 0
  br i1 %added, label %next, label %error
error:
  ret ptr null
done:
  call void @Py_IncRef(ptr %dict)
  ret ptr %dict
}
"""

_ATTRIBUTES = 'attributes #0 = { nounwind "no-builtins" }\n'


def startup_ir(exports: Iterable[str]) -> str:
    """IR text of the start-up functions and of the method table; `exports` are the Python names of the `py_` functions."""
    names, rows, declarations = [], [], []
    for i, name in enumerate(exports):
        names.append(f'@image_method.{i} = private constant [{len(name) + 1} x i8] c"{name}\\00"')
        rows.append(f"%PyMethodDef {{ ptr @image_method.{i}, ptr @py_{name}, i32 {METH_FASTCALL}, ptr null }}")
        declarations.append(f"declare ptr @py_{name}(ptr, ptr, i64)")
    rows.append("%PyMethodDef zeroinitializer")
    table = f"@image_methods = internal constant [{len(rows)} x %PyMethodDef] [\n  " + ",\n  ".join(rows) + "\n]\n"
    return _TYPES + "\n".join([*names, *declarations, table]) + _LINK + _EXPORTS + _ATTRIBUTES
