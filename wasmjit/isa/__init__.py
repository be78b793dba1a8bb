"""The instruction table: every instruction once. Decoder, validator, translator, handlers, reference tier and docs derive from it."""

from .control import CONTROL
from .features import FEATURES, features_of_opcode
from .memory import MEMORY
from .numeric import CANONICAL_NAN, NUMERIC
from .row import Row

TABLE: tuple[Row, ...] = tuple(sorted((*CONTROL, *MEMORY, *NUMERIC), key=lambda row: (row.prefix, row.code)))
BY_NAME: dict[str, Row] = {row.name: row for row in TABLE}
BY_OPCODE: dict[tuple[int, int], Row] = {(row.prefix, row.code): row for row in TABLE}
TYPES: dict[str, int] = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "funcref": 0x70, "externref": 0x6F}

__all__ = ["BY_NAME", "BY_OPCODE", "CANONICAL_NAN", "FEATURES", "Row", "TABLE", "TYPES", "features_of_opcode"]
