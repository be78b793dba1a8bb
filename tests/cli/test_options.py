"""Command lines as tables: what is accepted, what is refused and how it is said."""

from random import Random

import pytest

from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._values import boolean, choice, count, duration, show_value, size, wasm_value
from wasmjit.cli._words import commands, option_names

LIMITS = Option("-W --wasm", "KEY=VAL,...", "limits", keys=(Option("timeout", "TIME", convert=duration), Option("traps", convert=boolean)))
OPTIONS = (
    Option("--dir", "HOST", "a directory", many=True),
    Option("--tier", "TIER", "a tier", convert=choice("interp", "reference")),
    Option("--stats", "", "figures"),
    LIMITS,
)
RUN = Command("run", "run a program", usage="MODULE [ARGS...]", example="wasmjit x.wasm", options=OPTIONS, program=True)
INFO = Command("info", "look", usage="MODULE", example="wasmjit info x.wasm", options=OPTIONS)


@pytest.mark.parametrize(
    ("argv", "values", "operands"),
    [
        ([], {}, []),
        (["m.wasm"], {}, ["m.wasm"]),
        (["--dir", "a", "--dir=b", "m.wasm"], {"dir": ["a", "b"]}, ["m.wasm"]),
        (["--stats", "m.wasm", "--stats", "-W", "--", "x"], {"stats": True}, ["m.wasm", "--stats", "-W", "--", "x"]),
        (["--", "--stats", "x"], {}, ["--stats", "x"]),
        (["-W", "timeout=1s,traps", "m"], {"wasm": {"timeout": 1.0, "traps": True}}, ["m"]),
        (["-Wtimeout=1s", "-W", "traps=n", "m"], {"wasm": {"timeout": 1.0, "traps": False}}, ["m"]),
        (["--wasm=timeout=2", "m"], {"wasm": {"timeout": 2.0}}, ["m"]),
        (["--tier=interp", "-"], {"tier": "interp"}, ["-"]),
        (["--dir=", "m"], {"dir": [""]}, ["m"]),
    ],
)
def test_a_program_gets_everything_behind_its_name(argv: list[str], values: dict[str, object], operands: list[str]) -> None:
    assert parse(RUN, argv) == (values, operands)


def test_elsewhere_options_may_follow_operands() -> None:
    assert parse(INFO, ["a", "--stats", "b"]) == ({"stats": True}, ["a", "b"])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--dri", "x"], "unknown option '--dri'; did you mean --dir?"),
        (["-W", "tiemout=3"], "option -W has no key 'tiemout'; did you mean timeout?"),
        (["-x"], "unknown option '-x'"),
        (["--dir"], "option --dir needs a value: HOST"),
        (["--stats=1"], "option --stats takes no value"),
        (["--tier", "fast"], "option --tier: 'fast' is none of: interp, reference"),
        (["-W", "speed=1"], "option -W has no key 'speed'; there are: timeout, traps"),
        (["-W", "timeout"], "option -W: timeout needs a value: timeout=TIME"),
        (["-W", "timeout=soon"], "option -W timeout: 'soon' is not a duration"),
        (["-W", "traps=maybe"], "option -W traps: 'maybe' is neither y nor n"),
        (["-W", ""], "option -W has no key ''"),
    ],
)
def test_errors_say_what_is_wrong_and_what_there_is(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(RUN, argv)
    assert str(caught.value).startswith(message)
    assert caught.value.command is RUN


def test_any_command_line_is_read_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(4)
    command = commands()["run"]
    words = [
        *option_names(command),
        "-",
        "--",
        "=",
        "",
        ",",
        "::",
        ":",
        "y",
        "m.wasm",
        "1",
        "-1",
        "K",
        "timeout",
        "tcplisten",
        "ro",
        "\n",
        "ä",
        "\udcff",
    ]
    for _ in range(3000):
        argv = ["".join(random.choices(words, k=random.randrange(1, 4))) for _ in range(random.randrange(5))]
        try:
            parsed = parse(command, argv)
        except UsageError as error:
            assert str(error) and error.command is command, argv
        else:
            assert parsed is None or set(parsed[0]) <= {option.name for option in command.options}, argv


def test_help_is_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(RUN, ["--stats", "-h", "--no-such-option"]) is None
    text = capsys.readouterr().out
    assert text.startswith("usage: wasmjit run [OPTIONS] MODULE [ARGS...]\n\nRun a program.\n")
    for words in ("--dir HOST", "-W, --wasm KEY=VAL,...", "timeout=TIME", "-h, --help", "wasmjit x.wasm"):
        assert words in text


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10), ("1.5s", 1.5), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("0", 0), ("3us", 3e-6)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "amount"), [("65536", 65536), ("64K", 65536), ("3M", 3 << 20), ("2G", 2 << 30), ("0", 0)])
def test_sizes(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize("convert", [duration, size, count])
@pytest.mark.parametrize("text", ["", "x", "-1", "1 2", "1days", "1KB", "nan", "inf", "1e999"])
def test_amounts_that_are_none(convert: object, text: str) -> None:
    assert callable(convert)
    with pytest.raises(ValueError, match="is not a"):
        convert(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("i32", "-5", -5), ("i32", "0xff", 255), ("i64", "9_000", 9000), ("f64", "1.5", 1.5), ("f32", "-inf", float("-inf"))]
    + [("f64", "0x1.8p1", 3.0), ("f64", "-0X10", -16.0), ("externref", "null", None)],
)
def test_arguments(kind: str, text: str, value: object) -> None:
    assert wasm_value(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("i32", "1.5"), ("i32", ""), ("i64", "ten"), ("f32", "x"), ("f64", "0xzz"), ("externref", "3"), ("funcref", "f")]
    + [("i32", "4294967296"), ("i32", "-2147483649"), ("i64", "0x10000000000000000")],
)
def test_arguments_that_are_none(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=kind):
        wasm_value(kind, text)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("i32", -1, "-1"),
        ("f64", 0.1, "0.1"),
        ("f64", float("-inf"), "-inf"),
        ("f32", 0.10000000149011612, "0.1"),
        ("f32", 16777216.0, "16777216"),
        ("f32", 3.4028234663852886e38, "3.4028235e+38"),
        ("f32", float("nan"), "nan"),
        ("externref", None, "null"),
        ("externref", "text", "text"),
    ],
)
def test_results(kind: str, value: object, text: str) -> None:
    assert show_value(kind, value) == text
