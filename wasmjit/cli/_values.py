"""Text on the command line to values and back."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Number = TypeVar("Number", int, float)

_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_YES = ("", "y", "yes", "true")
_NO = ("n", "no", "false")


def duration(text: str) -> float:
    """Seconds from `1.5`, `500ms`, `2m`. Raises ValueError for anything else, negative and infinite values included."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _SECONDS.get(text[len(number) :])
    seconds = _number(float, number)
    if unit is None or seconds is None or not 0 <= seconds * unit < float("inf"):
        raise ValueError(f"{text!r} is not a duration like 10, 1.5s or 500ms")
    return seconds * unit


def size(text: str) -> int:
    """Bytes from `65536`, `64K`, `256M`, `2G`; the suffixes are powers of 1024."""
    number = text.rstrip("KMG")
    unit = _BYTES.get(text[len(number) :])
    count = _number(int, number)
    if unit is None or count is None or count < 0:
        raise ValueError(f"{text!r} is not a size like 65536, 64K or 2G")
    return count * unit


def count(text: str) -> int:
    """A natural number."""
    value = _number(int, text)
    if value is None or value < 0:
        raise ValueError(f"{text!r} is not a natural number")
    return value


def boolean(text: str) -> bool:
    """`y`, `n` and their relatives; nothing at all means yes."""
    if text not in _YES + _NO:
        raise ValueError(f"{text!r} is neither y nor n")
    return text in _YES


def choice(*names: str) -> "Callable[[str], str]":
    """A converter that takes one of `names`, which are also its attribute `names`."""

    def convert(text: str) -> str:
        if text not in names:
            raise ValueError(f"{text!r} is none of: {', '.join(names)}")
        return text

    convert.names = names  # type: ignore[attr-defined]
    return convert


def wasm_value(kind: str, text: str) -> int | float | None:
    """An argument of value type `kind`: integers in any base, floats as decimal, hexadecimal, `nan`, `inf`; `null` for references."""
    value: int | float | None
    if kind in ("i32", "i64"):
        value = _number(lambda digits: int(digits, 0), text)
        bits = int(kind[1:])
        if value is not None and not -1 << (bits - 1) <= value < 1 << bits:
            raise ValueError(f"{text} does not fit into an {kind}")
    elif kind in ("f32", "f64"):
        value = _number(float.fromhex if "0x" in text.lower() else float, text)
    elif text == "null":
        return None
    else:
        raise ValueError(f"{text!r}: an argument of type {kind} can only be null here")
    if value is None:
        raise ValueError(f"{text!r} is not an {kind}")
    return value


def show_size(nbytes: int) -> str:
    """What `size` reads, with the largest unit that leaves no fraction."""
    unit, factor = max(((unit, factor) for unit, factor in _BYTES.items() if nbytes % factor == 0), key=lambda row: row[1])
    return f"{nbytes // factor}{unit}" if nbytes else "0"


def show_value(kind: str, value: object) -> str:
    """A result as text; an f32 with the fewest digits that name it."""
    if value is None:
        return "null"
    if kind == "f32" and isinstance(value, float) and value - value == 0:
        from struct import pack

        texts = [f"{value:.{digits}g}" for digits in (6, 7, 8, 9)]  # nine always suffice
        return next(text for text in texts if pack("f", float(text)) == pack("f", value))
    return repr(value) if isinstance(value, float) else str(value)


def _number(convert: "Callable[[str], Number]", text: str) -> "Number | None":
    try:
        return convert(text)
    except (ValueError, OverflowError):
        return None
