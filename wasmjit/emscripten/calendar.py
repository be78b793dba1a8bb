"""Clocks, and calendar time in the time zone that TZ in the guest's environment names: UTC without it, nothing of the host's."""

from datetime import UTC, datetime, timedelta

from wasmjit.emscripten.guest import Guest
from wasmjit.wasi._memory import memory, span
from wasmjit.wasi.abi import MONOTONIC, PROCESS_CPUTIME, REALTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TM_FIELDS = 9  # of 32 bits, seconds to isdst
TM_SIZE = 40  # and tm_gmtoff
ZONE_MAX = 17  # bytes of a zone's name in newer builds, its NUL included
NO_TIME = -1


def time(guest: Guest, instance: "Any", result: int) -> int:
    seconds = guest.context.clock(REALTIME) // 10**9
    if result:
        span(memory(instance), result, 4)[:] = (seconds & 0xFFFF_FFFF).to_bytes(4, "little")
    return seconds & 0xFFFF_FFFF


def clock_gettime(guest: Guest, instance: "Any", identifier: int, result: int) -> int:
    """As of builds with times of 32 bits; the clocks of Linux have the numbers of WASI up to those of CPU time."""
    cell = span(memory(instance), result, 8)
    seconds, rest = divmod(guest.context.clock(identifier if 0 <= identifier <= 3 else MONOTONIC), 10**9)
    cell[:] = (seconds & 0xFFFF_FFFF).to_bytes(4, "little") + rest.to_bytes(4, "little")
    return 0


def gettimeofday(guest: Guest, instance: "Any", result: int, zone: int = 0) -> int:
    cell = span(memory(instance), result, 8)
    seconds, rest = divmod(guest.context.clock(REALTIME), 10**9)
    cell[:] = (seconds & 0xFFFF_FFFF).to_bytes(4, "little") + (rest // 1000).to_bytes(4, "little")
    return 0


def clock(guest: Guest, instance: "Any") -> int:
    """Microseconds of the processor."""
    return guest.context.clock(PROCESS_CPUTIME) // 1000 & 0x7FFF_FFFF


def difftime(guest: Guest, instance: "Any", end: int, begin: int) -> float:
    return float(end - begin)


def clock_getres(guest: Guest, instance: "Any", identifier: int, result: int) -> int:
    span(memory(instance), result, 8)[:] = bytes(4) + (1).to_bytes(4, "little")
    return 0


def emscripten_date_now(guest: Guest, instance: "Any") -> float:
    return float(guest.context.clock(REALTIME) // 1_000_000)


def emscripten_get_now(guest: Guest, instance: "Any") -> float:
    return guest.context.clock(MONOTONIC) / 1e6


def emscripten_get_now_res(guest: Guest, instance: "Any") -> float:
    """Nanoseconds."""
    return 1.0


def _emscripten_get_now_is_monotonic(guest: Guest, instance: "Any") -> int:
    return 1


def zone(guest: Guest) -> "tzinfo":
    """The time zone of the guest; UTC for one that is not known."""
    name = next((pair[3:] for pair in guest.context.environment if pair.startswith(b"TZ=")), b"").decode(errors="replace")
    if name.removeprefix(":") not in ("", "UTC"):
        from zoneinfo import ZoneInfo

        try:
            return ZoneInfo(name.removeprefix(":"))
        except (OSError, ValueError):  # a name of no zone, and of no file
            pass
    return UTC


def offset(moment: datetime) -> int:
    """Seconds east of UTC."""
    return round((moment.utcoffset() or timedelta()).total_seconds())


def fields(moment: datetime, summer: bool) -> bytes:
    """`struct tm` of a moment, but for the name of its zone."""
    day = moment.timetuple()
    numbers = (
        day.tm_sec, day.tm_min, day.tm_hour, day.tm_mday, day.tm_mon - 1, day.tm_year - 1900, (day.tm_wday + 1) % 7, day.tm_yday - 1,
        int(summer), offset(moment),
    )  # fmt: skip
    return b"".join([number.to_bytes(4, "little", signed=True) for number in numbers])


def is_summer(moment: datetime) -> bool:
    """Whether the clocks of the zone are set forward."""
    return bool(moment.dst())


def moment_of(guest: Guest, seconds: int, there: "tzinfo") -> datetime | None:
    """The time so many seconds after 1970; None beyond the years that there are."""
    try:
        return (EPOCH + timedelta(seconds=seconds)).astimezone(there)
    except OverflowError:
        return None


def broken_down(guest: Guest, instance: "Any", seconds: int, result: int, there: "tzinfo") -> int:
    cell = span(memory(instance), result, TM_SIZE)
    moment = moment_of(guest, seconds, there)
    if moment is None:
        return 1
    cell[:] = fields(moment, is_summer(moment))
    return 0


def seconds_at(guest: Guest, instance: "Any", time: int) -> int:
    """A time argument: the number itself, or in older builds the address of it."""
    if not guest.by_address:
        return time
    return int.from_bytes(span(memory(instance), time, guest.layout.time), "little", signed=True)


def _localtime_js(guest: Guest, instance: "Any", time: int, result: int) -> int:
    return broken_down(guest, instance, seconds_at(guest, instance, time), result, zone(guest))


def _gmtime_js(guest: Guest, instance: "Any", time: int, result: int) -> int:
    return broken_down(guest, instance, seconds_at(guest, instance, time), result, UTC)


def composed(guest: Guest, instance: "Any", pointer: int, there: "tzinfo") -> int:
    """Seconds since 1970 of a `struct tm`, which is brought to the ranges of its fields; -1 beyond the years that there are."""
    cell = span(memory(instance), pointer, TM_SIZE)
    second, minute, hour, day, month, year, _, _, summer = [
        int.from_bytes(cell[at : at + 4], "little", signed=True) for at in range(0, 4 * TM_FIELDS, 4)
    ]
    try:
        start = datetime(1900 + year + month // 12, month % 12 + 1, 1)
        local = start + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
        moment = local.replace(tzinfo=there, fold=int(summer == 0))  # of an hour that comes twice the later one is not summer's
        seconds = (moment - EPOCH) // timedelta(seconds=1)
    except (OverflowError, ValueError):
        seconds = None
    found = None if seconds is None else moment_of(guest, seconds, there)
    if found is None or seconds is None:
        return NO_TIME
    if summer >= 0 and is_summer(found) != bool(summer) and there is not UTC:
        shift = 3600 if is_summer(found) else -3600  # the clock that was not in use then
        found, seconds = moment_of(guest, seconds + shift, there) or found, seconds + shift
    cell[:] = fields(found, is_summer(found))
    return seconds


def _mktime_js(guest: Guest, instance: "Any", pointer: int) -> int:
    return wide(guest, instance, composed(guest, instance, pointer, zone(guest)))


def _timegm_js(guest: Guest, instance: "Any", pointer: int) -> int:
    return wide(guest, instance, composed(guest, instance, pointer, UTC))


def wide(guest: Guest, instance: "Any", seconds: int) -> int:
    """A result of 64 bits, for builds that take the upper half from another function as well."""
    from wasmjit.emscripten.unwinding import set_temporary

    set_temporary(guest, instance, seconds >> 32 & 0xFFFF_FFFF)
    return seconds


def _tzset_js(guest: Guest, instance: "Any", timezone: int, daylight: int, names: int, summer_name: int | None = None) -> None:
    """Seconds west of UTC, whether there is summer time, and both names: into memory of the caller, or older ones as array of pointers."""
    there = zone(guest)
    year = (moment_of(guest, guest.context.clock(REALTIME) // 10**9, UTC) or EPOCH).year
    halves = [datetime(year, month, 1, tzinfo=there) for month in (1, 7)]
    halves.sort(key=offset)
    standard, summer = halves
    window = memory(instance)
    cells = span(window, timezone, 4), span(window, daylight, 4)
    texts = [((moment.tzname() or "UTC").encode()[: ZONE_MAX - 1] + b"\0") for moment in halves]
    if summer_name is not None:
        for pointer, encoded in ((names, texts[0]), (summer_name, texts[1])):
            span(window, pointer, len(encoded))[:] = encoded
    else:
        from wasmjit.emscripten.guest import needed

        pointers = [needed(instance, "malloc")(len(encoded)) & 0xFFFF_FFFF for encoded in texts]
        window = memory(instance)  # which may have grown
        cells = span(window, timezone, 4), span(window, daylight, 4)
        for pointer, encoded in zip(pointers, texts, strict=True):
            span(window, pointer, len(encoded))[:] = encoded
        span(window, names, 8)[:] = b"".join([pointer.to_bytes(4, "little") for pointer in pointers])
    cells[0][:] = (-offset(standard)).to_bytes(4, "little", signed=True)
    cells[1][:] = int(offset(standard) != offset(summer)).to_bytes(4, "little")
