"""A small image in hand-written IR: calls, data of every kind, an export that raises."""

from functools import cache

from wasmjit.native.build import build_image

IR = r"""
@PyExc_ValueError = external global ptr
@counter = hidden global i64 40
@zeroed = hidden global [100 x i64] zeroinitializer
@message = private constant [8 x i8] c"no good\00"
@places = hidden constant [3 x ptr] [ptr @counter, ptr @py_count, ptr @strlen]

declare i64 @strlen(ptr)
declare ptr @PyLong_FromLong(i64)
declare ptr @PyLong_FromUnsignedLong(i64)
declare i64 @PyLong_AsLong(ptr)
declare void @PyErr_SetString(ptr, ptr)

; how often it was called, plus 40
define ptr @py_count(ptr %self, ptr %args, i64 %n) {
  %old = load i64, ptr @counter
  %new = add i64 %old, 1
  store i64 %new, ptr @counter
  %r = call ptr @PyLong_FromLong(i64 %new)
  ret ptr %r
}

; address of a word that holds an address: 0 counter, 1 py_count, 2 strlen; 3 the words themselves, 4 zeroed, 5 the message
define ptr @py_place(ptr %self, ptr %args, i64 %n) {
  %o = load ptr, ptr %args
  %i = call i64 @PyLong_AsLong(ptr %o)
  switch i64 %i, label %word [ i64 3, label %words  i64 4, label %zeroed  i64 5, label %message ]
word:
  %at = getelementptr ptr, ptr @places, i64 %i
  %value = load ptr, ptr %at
  br label %done
words:
  br label %done
zeroed:
  br label %done
message:
  br label %done
done:
  %p = phi ptr [ %value, %word ], [ @places, %words ], [ @zeroed, %zeroed ], [ @message, %message ]
  %number = ptrtoint ptr %p to i64
  %r = call ptr @PyLong_FromUnsignedLong(i64 %number)
  ret ptr %r
}

define ptr @py_length(ptr %self, ptr %args, i64 %n) {
  %length = call i64 @strlen(ptr @message)
  %r = call ptr @PyLong_FromLong(i64 %length)
  ret ptr %r
}

define ptr @py_fail(ptr %self, ptr %args, i64 %n) {
  %kind = load ptr, ptr @PyExc_ValueError
  call void @PyErr_SetString(ptr %kind, ptr @message)
  ret ptr null
}
"""


@cache
def image() -> bytes:
    """The bytes of its image file."""
    return build_image([], [IR])
