"""`strftime` of builds that leave it to JavaScript: the "C" locale."""

from wasmjit.emscripten.guest import Guest, c_bytes
from wasmjit.wasi._memory import M32, load, memory, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FORMAT_MAX = 1 << 16  # bytes of a format that are looked at
FLAGS = b"EO-_0^#"  # between % and the letter: other forms that this locale does not have
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SHORT = {  # what stands for longer forms
    "c": "%a %b %e %H:%M:%S %Y", "D": "%m/%d/%y", "F": "%Y-%m-%d", "h": "%b", "r": "%I:%M:%S %p", "R": "%H:%M", "T": "%H:%M:%S",
    "x": "%m/%d/%y", "X": "%H:%M:%S", "+": "%a %b %e %H:%M:%S %Z %Y",
}  # fmt: skip


class Day:
    """The fields of a `struct tm`, of any value."""

    def __init__(self, window: memoryview, pointer: int) -> None:
        values = [(load(window, pointer + at, 4) ^ 0x8000_0000) - 0x8000_0000 for at in range(0, 40, 4)]
        self.second, self.minute, self.hour, self.day, self.month, year, self.weekday, self.yearday, self.summer, self.offset = values
        self.year = 1900 + year

    def week(self) -> tuple[int, int]:
        """Year and week of ISO 8601."""
        weekday = (self.weekday + 6) % 7
        week = (self.yearday - weekday + 10) // 7
        if week < 1:
            return self.year - 1, weeks(self.year - 1, (weekday - self.yearday - 1) % 7)
        most = weeks(self.year, (weekday - self.yearday + days(self.year) - 1) % 7)
        return (self.year + 1, 1) if week > most else (self.year, week)


def days(year: int) -> int:
    """Of a year."""
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def weeks(year: int, last: int) -> int:
    """Of a year by ISO 8601; last: weekday of its last day, Monday is 0."""
    return 53 if last == 3 or last == 4 and days(year) == 366 else 52


FIELDS: "dict[str, Callable[[Day], str]]" = {
    "a": lambda day: DAYS[day.weekday][:3] if 0 <= day.weekday < 7 else "?",
    "A": lambda day: DAYS[day.weekday] if 0 <= day.weekday < 7 else "?",
    "b": lambda day: MONTHS[day.month][:3] if 0 <= day.month < 12 else "?",
    "B": lambda day: MONTHS[day.month] if 0 <= day.month < 12 else "?",
    "C": lambda day: f"{day.year // 100:02}",
    "d": lambda day: f"{day.day:02}",
    "e": lambda day: f"{day.day:2}",
    "g": lambda day: f"{day.week()[0] % 100:02}",
    "G": lambda day: f"{day.week()[0]}",
    "H": lambda day: f"{day.hour:02}",
    "I": lambda day: f"{(day.hour + 11) % 12 + 1:02}",
    "j": lambda day: f"{day.yearday + 1:03}",
    "m": lambda day: f"{day.month + 1:02}",
    "M": lambda day: f"{day.minute:02}",
    "n": lambda day: "\n",
    "p": lambda day: "AM" if 0 <= day.hour < 12 else "PM",
    "S": lambda day: f"{day.second:02}",
    "t": lambda day: "\t",
    "u": lambda day: f"{(day.weekday + 6) % 7 + 1}",
    "U": lambda day: f"{(day.yearday + 7 - day.weekday) // 7:02}",
    "V": lambda day: f"{day.week()[1]:02}",
    "w": lambda day: f"{day.weekday}",
    "W": lambda day: f"{(day.yearday + 7 - (day.weekday + 6) % 7) // 7:02}",
    "y": lambda day: f"{day.year % 100:02}",
    "Y": lambda day: f"{day.year}",
    "z": lambda day: f"{'-' if day.offset < 0 else '+'}{abs(day.offset) // 3600:02}{abs(day.offset) // 60 % 60:02}",
    "Z": lambda day: "UTC" if day.offset == 0 else "",
    "%": lambda day: "%",
}


def formatted(form: bytes, day: Day) -> bytes:
    """The text that the format stands for; what it does not know stays as it is."""
    pieces = form.split(b"%")
    shown = [pieces[0]]
    rest = iter(pieces[1:])
    for piece in rest:
        if not piece:  # %%: what follows the second is plain
            shown.append(b"%" + next(rest, b""))
            continue
        plain = piece.lstrip(FLAGS)
        letter = plain[:1].decode("latin-1")
        if letter in SHORT:
            shown.append(formatted(SHORT[letter].encode(), day) + plain[1:])
        elif letter in FIELDS:
            shown.append(FIELDS[letter](day).encode() + plain[1:])
        else:
            shown.append(b"%" + piece)
    return b"".join(shown)


def strftime(guest: Guest, instance: "Any", result: int, size: int, form: int, pointer: int, locale: int | None = None) -> int:
    """Returns the length of the text; 0 where it does not fit, with its NUL."""
    window = memory(instance)
    text = formatted(c_bytes(window, form, FORMAT_MAX), Day(window, pointer)) + b"\0"
    if len(text) > size & M32:
        return 0
    span(window, result, len(text))[:] = text
    return len(text) - 1


strftime_l = strftime
