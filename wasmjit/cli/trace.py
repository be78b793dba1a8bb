"""`wasmjit trace`: what a trace file tells."""

from wasmjit.cli._options import Command, Option, parse_one
from wasmjit.cli._terminal import fail, require_stdout

COMMAND = Command(
    "trace",
    "summarise a trace that --trace-out wrote",
    usage="FILE",
    example="wasmjit trace --why fib out.json",
    options=(Option("--why", "FN", "tell what became of the function FN, a name or an index, and why"),),
)


def main(argv: list[str]) -> int:
    """Print the table of functions, or the story of one. Exit code 1: the file is no trace, or says nothing of that function."""
    parsed = parse_one(COMMAND, argv)
    if parsed is None:
        return 0
    values, path = parsed
    require_stdout()
    from wasmjit.profiler import story, writers

    try:
        events, lost = writers.read(path)
        asked = values.get("why")
        if asked is None:
            print(story.summary(events, lost))
        else:
            print(story.why(events, int(asked) if asked.isdigit() else asked))
    except writers.NotATrace as error:
        fail(str(error))
        return 1
    except KeyError as error:
        fail(str(error.args[0]))
        return 1
    return 0
