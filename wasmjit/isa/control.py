"""Control, parametric, variable, reference and constant instructions (spec 4.2, 4.4). "any" stands for an operand of any type."""

from .row import Row

CONTROL = (
    Row("unreachable", 0x00, kind="control"),
    Row("nop", 0x01, kind="control"),
    Row("block", 0x02, imm=("blocktype",), kind="control"),
    Row("loop", 0x03, imm=("blocktype",), kind="control"),
    Row("if", 0x04, imm=("blocktype",), params=("i32",), kind="control"),
    Row("else", 0x05, kind="control"),
    Row("end", 0x0B, kind="control", constant=True),
    Row("br", 0x0C, imm=("label",), kind="control"),
    Row("br_if", 0x0D, imm=("label",), params=("i32",), kind="control"),
    Row("br_table", 0x0E, imm=("labels",), params=("i32",), kind="control"),
    Row("return", 0x0F, kind="control"),
    Row("call", 0x10, imm=("func",), kind="call"),
    Row("call_indirect", 0x11, imm=("table_type",), params=("i32",), kind="call"),
    Row("drop", 0x1A, params=("any",), kind="parametric"),
    Row("select", 0x1B, params=("any", "any", "i32"), results=("any",), kind="parametric"),
    Row("select_t", 0x1C, imm=("valtypes",), params=("any", "any", "i32"), results=("any",), kind="parametric", feature="reference-types"),
    Row("local.get", 0x20, imm=("local",), results=("any",), kind="variable"),
    Row("local.set", 0x21, imm=("local",), params=("any",), kind="variable"),
    Row("local.tee", 0x22, imm=("local",), params=("any",), results=("any",), kind="variable"),
    Row("global.get", 0x23, imm=("global",), results=("any",), kind="variable", constant=True),
    Row("global.set", 0x24, imm=("global",), params=("any",), kind="variable"),
    *(Row(f"{t}.const", 0x41 + i, imm=(t,), results=(t,), kind="const", constant=True) for i, t in enumerate(("i32", "i64", "f32", "f64"))),
    Row("ref.null", 0xD0, imm=("reftype",), results=("ref",), kind="ref", feature="reference-types", constant=True),
    Row("ref.is_null", 0xD1, params=("ref",), results=("i32",), kind="ref", feature="reference-types", meaning="a == 0"),
    Row("ref.func", 0xD2, imm=("func",), results=("ref",), kind="ref", feature="reference-types", constant=True),
)
