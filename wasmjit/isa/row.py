"""A row of the instruction table. Build time only: the run path never imports it."""

from typing import NamedTuple


class Row(NamedTuple):
    """One instruction: encoding, immediates, type, properties, meaning (spec chapters 4 and 5).

    meaning: an expression of restricted Python over a, b, c (the operands, i32 as u32, i64 as u64), m (what a load
    read) or v (what a store is given); "" where the instruction is more than an expression.
    checks: (condition, trap) pairs, looked at in order before the meaning.
    access: (bytes, type in memory) of loads and stores.
    """

    name: str
    code: int
    prefix: int = 0
    imm: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    kind: str = "numeric"  # const numeric compare load store control call variable parametric table memory ref
    feature: str = "mvp"
    meaning: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    access: tuple[int, str] = (0, "")
    constant: bool = False  # allowed in constant expressions

    @property
    def traps(self) -> bool:
        """Whether running it can end in a trap."""
        return bool(self.checks) or self.kind in ("load", "store", "call", "table") or self.name == "unreachable"

    @property
    def pure(self) -> bool:
        """The result depends on the operands alone, and nothing else happens."""
        return bool(self.meaning) and not self.checks and self.kind in ("numeric", "compare", "const")

    @property
    def arithmetic(self) -> bool:
        """Whether it makes floats of floats: which NaN the result is, if it is one, the specification leaves open (4.3.3)."""
        floats = ("f32", "f64")
        return self.kind == "numeric" and self.results[0] in floats and self.params[0] in floats and "from_bits" not in self.meaning

    @property
    def memory(self) -> bool:
        """Whether it touches linear memory."""
        return self.kind in ("load", "store", "memory")
