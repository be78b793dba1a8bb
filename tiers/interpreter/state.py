"""What the translator keeps while it works on one function."""

from wasmjit.native.lang import i64, ptr, struct, u8, u32, u64
from wasmjit.runtime.structs import Code, Loop, Mod, Point, Sig

# where an operand is
IN_SLOT, IN_LOCAL, CONSTANT, IN_INT, IN_FLOAT, IN_SUM = range(6)
BLOCK, LOOP, IF, FUNCTION = range(4)
NOWHERE = -1


@struct
class Entry:
    """An operand of the abstract stack."""

    where: u32  # IN_SLOT: its canonical slot, IN_LOCAL: not yet copied, IN_INT and IN_FLOAT: in an accumulator, IN_SUM: not yet added
    floating: u32  # f32 or f64
    value: u64  # local index, the constant's bits, or of an i32 sum the local and in the upper half the constant


@struct
class Label:
    """A control frame."""

    kind: u32
    height: u32  # operands below it
    nparams: u32
    nresults: u32
    sig: ptr[Sig]  # 0: no parameters, at most the result type `single`
    single: u32
    dead: u32  # it began in code that is never reached
    header: u64  # slot code position of a loop's header
    loop: ptr[Loop]
    fixups: i64  # list of places to fill with the distance to its end
    other: i64  # the one of an if's false branch
    entry: u32  # chance of its beginning, see flow.py,
    reach: u32  # and of the branches to its end so far
    level: u32  # loops around its inside
    cost: u64  # a loop's: of all before its header
    stub: u64  # position of the br_table stub that leads here,
    stub_serial: u64  # made for this br_table


@struct
class Fixup:
    cell: u64  # position of an i32 field
    base: u64  # position of its instruction
    next: i64


@struct
class Condition:
    """A condition that was popped and is not yet emitted."""

    op: u32  # a comparison whose instruction was taken back, or 0: a value
    negated: u32
    rel: u64  # offset of the distance in the branch that was made of it
    combo: u32
    a: u32  # slot
    b: u32  # slot or immediate
    constant: u64


@struct
class Trans:
    code: ptr[Code]
    mod: ptr[Mod]
    bytes: ptr[u8]
    p: u64  # offset in the binary
    at: u64  # of the instruction under translation
    buf: ptr[u8]
    cap: u64
    pos: u64
    entries: ptr[Entry]
    height: i64
    canonical: i64  # entries below this are IN_SLOT
    top: i64  # highest height seen
    int_at: i64  # entry that is IN_INT, or NOWHERE
    float_at: i64
    int_made: u64  # position of the instruction that put it there,
    int_form: u32  # whose form with a slot destination this is
    float_form: u32
    float_made: u64
    demoted_at: i64  # the operand that the instruction at `last` sent out of its accumulator,
    demoted_made: u64  # and how to undo that
    demoted_form: u32
    last: i64  # position of the instruction that computed the top entry and can still be changed, or NOWHERE
    last_op: u32
    last_form: u32  # with destination slot: one more gives the accumulator
    previous: i64  # position of the instruction emitted last, NOWHERE behind a label
    previous_form: u32
    before_form: u32
    before: i64  # the one before it
    chance: u64  # of coming here, and what the code before `costed` costs, see flow.py
    cost: u64
    costed: u64
    negate: u32  # the branch that comes next tests the opposite of the comparison just made
    types: ptr[u8]  # of the locals: 1 floating
    lazy: ptr[u32]  # entries IN_LOCAL a local
    nlocals: u64
    base: u64  # slot of operand 0
    labels: ptr[Label]
    nlabels: u64
    label_cap: u64
    fixups: ptr[Fixup]
    nfixups: u64
    fixup_cap: u64
    free_fixup: i64
    serial: u64
    condition: Condition
    want: i64  # translate_locate: the slot code position looked for, or NOWHERE
    found: u64
    error: u32
    record: u32  # 1: what the function keeps is made: Loops, Points
    loops: ptr[Loop]  # first one
    loop: ptr[Loop]  # the one made last; in the profiled form the one that comes next
    profile: u32  # 1: the profiled form
    points: ptr[Point]
    npoints: u64
    point_cap: u64
