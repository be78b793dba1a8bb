"""What the compiler of restricted Python refuses, and where it says that the fault is."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import pytest

from wasmjit.native.compiler import RestrictedError, compile_modules
from wasmjit.native.pointers import STRUCTS

PROLOGUE = """\
from wasmjit.native.lang import *
@fn
def helper(a: u32, b: ptr[u8]) -> u32:
    return a
@fn(noreturn=True)
def dies() -> void:
    unreachable()
@extern(variadic=True)
def printf(text: ptr[u8]) -> i32: ...
TABLE = const("table_of_test", u8, [1])
STATE = var("state_of_test", u64)
NAMES = {"one": 1}
ROW = (1, 2)
TEXT = "text"
"""
numbers = itertools.count()


def load(folder: Path, source: str) -> ModuleType:
    path = folder / f"restricted_{next(numbers)}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(folder: Path, body: str, signature: str = "(a: u32, b: i32, x: f64, p: ptr[u8], q: ptr[u64]) -> u32") -> tuple[str, int]:
    """Message and line of the error; the body's lines are those of a function, counted from 1, the `def` is 0."""
    head = PROLOGUE + f"@fn\ndef tried{signature}:\n"
    module = load(folder, head + "".join(f"    {line}\n" for line in body.split("\n")))
    with pytest.raises(RestrictedError) as caught:
        compile_modules([module])
    error = caught.value
    assert error.filename == module.__file__ and error.lineno is not None
    assert error.text == Path(str(module.__file__)).read_text().splitlines(keepends=True)[error.lineno - 1]
    return error.msg, error.lineno - head.count("\n")


STATEMENTS = {
    "try:\n    pass\nfinally:\n    pass": "Try is not in the language",
    "with p:\n    pass": "With is not in the language",
    "def inner() -> u32:\n    return 1": "FunctionDef is not in the language",
    "class Inner: pass": "ClassDef is not in the language",
    "global STATE": "Global is not in the language",
    "del a": "Delete is not in the language",
    "assert a": "Assert is not in the language",
    "raise ValueError": "Raise is not in the language",
    "import os": "Import is not in the language",
    "from os import path": "ImportFrom is not in the language",
    "match a:\n    case 1: pass": "Match is not in the language",
    "c = d = a": "one target an assignment",
    "a, b = b, a": "(b, a): Tuple is not in the language",
    "p[0].field: u32 = 1": "only local names take a type",
    "while a:\n    a -= 1\nelse:\n    pass": "while has no else",
    "for i in range(a):\n    pass\nelse:\n    pass": "for runs over range(), without else",
    "for i in ROW: pass": "for runs over range(), without else",
    "for i, j in range(a): pass": "for NAME in range([start,] stop[, step])",
    "for i in range(): pass": "for NAME in range([start,] stop[, step])",
    "for i in range(0, a, a): pass": "the step is a constant and not 0",
    "for i in range(0, a, 0): pass": "the step is a constant and not 0",
    "for i in range(x): pass": "a loop counts integers, not f64",
    "for i in range(a, -1, -1): pass": "i is u32 and never below 0: the loop would not run",
    "for a in range(b): pass": "i32 where u32 is needed: cast it",
    "yield a": "(yield a): Yield is not in the language",
}
EXPRESSIONS = {
    "lambda: 1": "lambda: 1: Lambda is not in the language",
    "[a]": "[a]: List is not in the language",
    "[i for i in ROW]": "[i for i in ROW]: ListComp is not in the language",
    "{1: 2}": "{1: 2}: Dict is not in the language",
    "f'{a}'": "f'{a}': JoinedStr is not in the language",
    "(c := a)": "(c := a): NamedExpr is not in the language",
    "p[0:1]": "0:1: Slice is not in the language",
    "a is b": "Is is not in the language",
    "a in ROW": "(1, 2) is no value",
    "a ** 2": "Pow of u32",
    "2 ** 3": "TypeError: the operator is not in the language",
    "a @ a": "MatMult of u32",
    "a / a": "Div of u32",
    "x // x": "FloorDiv of f64",
    "x << 1": "LShift of f64",
    "a + b": "u32 with i32: cast one of them",
    "a < b": "u32 with i32: cast one of them",
    "a + x": "f64 where u32 is needed: cast it",
    "a + 1.5": "1.5 is no u32",
    "a + 5_000_000_000": "5000000000 is no u32",
    "u8(a) + 256": "256 is no u8",
    "(a < 1) + (a < 2)": "Add of boolean",
    "~(a < 1)": "Invert of boolean",
    "+a": "UAdd of u32",
    "-p": "USub of ptr[u8]",
    "p * 2": "2 is no ptr[u8]",
    "p - q": "ptr[u64] where an integer is needed",
    "p + x": "f64 where an integer is needed",
    "p[x]": "f64 where an integer is needed",
    "p == 5": "5 is no ptr[u8]",
    "a[0]": "a is not a pointer",
    "ROW[0][a]": "ROW[0] is not a pointer",
    "p.field": ".field of ptr[u8]",
    "a.field": ".field of u32",
    "STATE.field": ".field of ptr[u64]",
    "missing": "missing is not defined",
    "missing()": "missing is not defined",
    "later": "later is read before it is assigned",
    "TEXT": "'text' is no value",
    "None": "None is no value",
    "NAMES['two']": "KeyError: 'two'",
    "ROW[2]": "IndexError: tuple index out of range",
    "helper": "<wasmjit.native.declare.Function object",
    "helper(a)": "helper takes 2 arguments (1 given)",
    "helper(a, p, p)": "helper takes 2 arguments (3 given)",
    "helper(a, b=p)": "arguments are passed by position, one by one",
    "helper(*ROW)": "arguments are passed by position, one by one",
    "helper(b, p)": "i32 where u32 is needed: cast it",
    "helper(a, a)": "u32 where ptr[u8] is needed: cast it",
    "helper(a, 1)": "1 is no ptr[u8]",
    "printf(b'%d', u8(a))": "u8 to a variadic function: cast it to a wider type",
    "printf(b'%f', f32(x))": "f32 to a variadic function: cast it to a wider type",
    "print(a)": "print cannot be called",
    "a()": "a is not known when compiling",
    "void(a)": "void cannot be called",
    "u32()": "u32 takes 1 argument (0 given)",
    "u32(a, a)": "u32 takes 1 argument (2 given)",
    "u32(dies())": "dies() has no value",
    "u32('1')": "'1' is no value",
    "u32(1.5)": "1.5 is no u32",
    "f64(p)": "no cast of ptr[u8] to f64",
    "ptr[u8](x)": "no cast of f64 to ptr[u8]",
    "not x": "f64 has no truth value: compare it",
    "a and x": "f64 has no truth value: compare it",
    "dies() + a": "a function without a result is no operand",
    "dies() == dies()": "a function without a result is no operand",
    "a if x > 0 else b": "i32 where u32 is needed: cast it",
    "a if a else dies()": "dies() has no value",
    "sizeof(a)": "a is not known when compiling",
    "sizeof(5)": "5 is no type",
    "sizeof(helper)": "helper is no type",
    "sizeof(u8, u8)": "sizeof takes 1 argument (2 given)",
    "offsetof(u8, 'field')": "u8 has no field 'field'",
    "alloca(u8, a)": "the count of an alloca is a constant above 0",
    "alloca(u8, 0)": "the count of an alloca is a constant above 0",
    "alloca()": "alloca takes 1 to 2 arguments (0 given)",
    "addr(5)": "5 is no place",
    "addr(a + 1)": "a + 1 is no place",
    "fnptr(a)": "a is not known when compiling",
    "fnptr(u8)": "u8 is no function",
    "symbol(5)": "5 is no name",
    "call(u32)": "call takes 2 or more arguments (1 given)",
    "call(5, p)": "5 is no type",
    "call(u32, a)": "a is no pointer: cast it",
    "load(u32, a)": "a is no pointer: cast it",
    "load(PyObject, p)": "PyObject is no type of numbers or pointers",
    "load(void, p)": "void is no type of numbers or pointers",
    "clz(x)": "x is no integer: cast it",
    "clz(5)": "5 is no integer: cast it",
    "clz(a < 1)": "a < 1 is no integer: cast it",
    "clz()": "clz takes 1 argument (0 given)",
    "bswap(u8(a))": "u8(a) is no integer of 16 bits or more: cast it",
    "rotl(a, b)": "u32 with i32: cast one of them",
    "rotl(x, x)": "f64 is no integer",
    "rotl(1, 2)": "one of the two must have a type: cast it",
    "sqrt(a)": "a is no float: cast it",
    "sqrt(2.0)": "2.0 is no float: cast it",
    "copysign(a, a)": "u32 is no float",
    "fminimum(x, a)": "u32 where f64 is needed: cast it",
    "bits(a)": "a is no float: cast it",
    "from_bits(u8(a))": "u8(a) is no u32 or u64: cast it",
    "isnan(p)": "p is no float: cast it",
    "atomic_load(ptr[f64](p))": "ptr[f64] is no pointer to an integer or a pointer",
    "atomic_add(ptr[ptr[u8]](p), a)": "ptr[ptr[u8]] is no pointer to an integer",
    "1 // 0": "ZeroDivisionError: integer division or modulo by zero",
    "1 << -1": "ValueError: negative shift count",
    "-b''": "USub of ptr[u8]",
    "ptr['Unknown'](p)[0]": "no struct named 'Unknown'",
}
FLOWS = {
    "if a:\n    c = 1\na = c": ("c is read before it is assigned", 3),
    "while a:\n    c = a\na = c": ("c is read before it is assigned", 3),
    "while True:\n    if a:\n        break\n    c = a\n    break\na = c": ("c is read before it is assigned", 6),
    "for i in range(a):\n    c = i\na = c": ("c is read before it is assigned", 3),
    "for i in range(a):\n    pass\na = i": ("i is read before it is assigned", 3),
    "for i in range(a):\n    i = 0": ("i counts the loop around", 2),
    "for i in range(a):\n    for i in range(a): pass": ("i counts the loop around", 2),
    "helper += 1": ("helper is read before it is assigned", 1),
    "c: u32\na = c": ("c is read before it is assigned", 2),
    "c: u32 = 1\nc: u64 = 2": ("c is u32, not u64", 2),
    "c = a\nc = b": ("i32 where u32 is needed: cast it", 2),
    "c = a\nc = 1.5": ("1.5 is no u32", 2),
    "c = 1\nc = a": ("u32 where i64 is needed: cast it", 2),
    "c: PyObject": ("c: a local holds a number or a pointer, not PyObject", 1),
    "c: void": ("c: a local holds a number or a pointer, not void", 1),
    "c: 5": ("5 is no type", 1),
    "c = dies()": ("c: a local holds a number or a pointer, not void", 1),
    "a = 1.0": ("1.0 is no u32", 1),
    "p[0] = a": ("u32 where u8 is needed: cast it", 1),
    "p = q\nq = p": ("ptr[u8] where ptr[u64] is needed: cast it", 2),
    "q[0] = -1.5": ("-1.5 is no u64", 1),
    "TABLE = 5\nq[0] = TABLE": ("i64 where u64 is needed: cast it", 2),
    "TEXT.field = a": ("'text' is no value", 1),
    "return": ("a u32 is to be returned", 1),
    "return b": ("i32 where u32 is needed: cast it", 1),
    "return dies() + 1": ("a function without a result is no operand", 1),
}


@pytest.mark.parametrize("body", STATEMENTS)
def test_statements_that_the_language_lacks(tmp_path: Path, body: str) -> None:
    message, line = refusal(tmp_path, f"a += 1\n{body}\nreturn a")
    assert (message, line) == (STATEMENTS[body], 2)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions_that_the_language_lacks(tmp_path: Path, text: str) -> None:
    message, line = refusal(tmp_path, f"a += 1\nc = {text}\nlater = 1\nreturn a")
    assert (message[: len(EXPRESSIONS[text])], line) == (EXPRESSIONS[text], 2)


@pytest.mark.parametrize("body", FLOWS)
def test_locals_have_one_type_and_a_value(tmp_path: Path, body: str) -> None:
    message, line = refusal(tmp_path, f"{body}\nreturn a")
    assert message.startswith(FLOWS[body][0]) and line == FLOWS[body][1]


@pytest.mark.parametrize(
    ("signature", "body", "message"),
    [
        ("() -> u32", "pass", "tried can end without a return"),
        ("(a: u32) -> u32", "if a:\n    return 1", "tried can end without a return"),
        ("(a: u32) -> u32", "while a:\n    return 1", "tried can end without a return"),
        ("(a: u32 = 1) -> u32", "return a", "parameters are positional and have no defaults"),
        ("(*a) -> u32", "return 1", "parameters are positional and have no defaults"),
        ("(*, a: u32) -> u32", "return 1", "parameters are positional and have no defaults"),
    ],
)
def test_functions(tmp_path: Path, signature: str, body: str, message: str) -> None:
    found, line = refusal(tmp_path, body, signature)
    assert (found, line) == (message, 0)


@pytest.mark.parametrize(
    "source",
    [
        "@fn\ndef f(a) -> u32:\n    return 1\n",
        "@fn\ndef f(a: int) -> u32:\n    return 1\n",
        "@fn\ndef f(a: PyObject) -> u32:\n    return 1\n",
        "@fn\ndef f(a: void) -> u32:\n    return 1\n",
        "@fn\ndef f(a: u32) -> 'u32':\n    return 1\n",
        "@extern\ndef f(a: 5) -> u32: ...\n",
    ],
)
def test_signatures_are_checked_where_they_stand(tmp_path: Path, source: str) -> None:
    with pytest.raises(TypeError, match="needs a type of numbers or pointers, not"):
        load(tmp_path, "from wasmjit.native.lang import *\n" + source)


def test_functions_that_do_not_return_have_no_result(tmp_path: Path) -> None:
    module = load(tmp_path, "from wasmjit.native.lang import *\n@fn(noreturn=True)\ndef f() -> u32:\n    unreachable()\n")
    with pytest.raises(RestrictedError, match="a function that does not return has no result"):
        compile_modules([module])


def test_a_symbol_is_of_one_thing(tmp_path: Path) -> None:
    source = PROLOGUE + 'A = var("twice", u64)\nB = const("twice", u8, [1])\n@fn\ndef f() -> u64:\n    return A[0] + u64(B[0])\n'
    with pytest.raises(RestrictedError, match="symbol 'twice' is declared twice"):
        compile_modules([load(tmp_path, source)])


def test_structs_are_declared_once(tmp_path: Path) -> None:
    source = "from wasmjit.native.lang import *\n@struct\nclass CompilerTwice:\n    a: u8\n"
    load(tmp_path, source)
    try:
        with pytest.raises(TypeError, match="struct CompilerTwice is declared twice"):
            load(tmp_path, source)
    finally:
        del STRUCTS["CompilerTwice"]


def test_assignment_of_structs(tmp_path: Path) -> None:
    source = (
        "from wasmjit.native.lang import *\n@struct\nclass CompilerPair:\n    a: u8\n    b: array[u8, 4]\n"
        "@fn\ndef f(p: ptr[CompilerPair]) -> void:\n    p.{place} = p.b\n"
    )
    try:
        for place, message in (("b", r"a array\[u8, 4\] is not assigned as a whole"), ("c", "CompilerPair has no field c")):
            with pytest.raises(RestrictedError, match=message):
                compile_modules([load(tmp_path, source.format(place=place))])
            del STRUCTS["CompilerPair"]
    finally:
        STRUCTS.pop("CompilerPair", None)


def test_what_is_constant_is_not_compiled(tmp_path: Path) -> None:
    source = (
        "from wasmjit.native.lang import *\nDEBUG = False\n@fn\ndef f(a: u32) -> u32:\n"
        "    if DEBUG and missing:\n        return nonsense(a)\n    if 1 < 2:\n        return a\n    return 2 if DEBUG else 3\n"
    )
    with pytest.raises(RestrictedError, match="missing is not defined"):
        compile_modules([load(tmp_path, source)])
    text = compile_modules([load(tmp_path, source.replace("DEBUG and missing", "DEBUG"))])
    assert "br i1" not in text and "nonsense" not in text


def test_what_follows_a_return_is_not_compiled(tmp_path: Path) -> None:
    module = load(tmp_path, PROLOGUE + "@fn\ndef f() -> u32:\n    while True:\n        return 1\n    return nonsense\n")
    assert compile_modules([module]).count("ret i32 1\n") == 1


def test_text_is_reproducible(tmp_path: Path) -> None:
    source = PROLOGUE + "@export\ndef again(a: u32) -> u32:\n    return helper(a, b'text') + u32(TABLE[0]) + u32(STATE[0])\n"
    module = load(tmp_path, source)
    assert compile_modules([module]) == compile_modules([module])
    assert compile_modules([module]).count("define hidden i32 @helper(") == 1
