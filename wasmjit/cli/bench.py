"""`wasmjit bench`: how fast the tiers run a function."""

from wasmjit.cli._options import Command, Option, UsageError, parse
from wasmjit.cli._program import read_module
from wasmjit.cli._terminal import fail, require_stdout
from wasmjit.cli._values import count, wasm_value

COMMAND = Command(
    "bench",
    "compare the tiers on a function, or wasmjit with its peers",
    usage="[MODULE --invoke FN [ARGS...]]",
    example="wasmjit bench examples/hello.wasm --invoke add 2 3",
    options=(
        Option("--invoke", "FN", "the export that is called; ARGS are its arguments"),
        Option("--rounds", "N", "how often each tier calls it after its first call (default: 10)", convert=count),
    ),
)


def main(argv: list[str]) -> int:
    """Print the comparison. Without a module: of the project's kernels, with the peers that are installed."""
    parsed = parse(COMMAND, argv)
    if parsed is None:
        return 0
    values, operands = parsed
    rounds = max(1, values.get("rounds", 10))
    name = values.get("invoke")
    if not operands:
        if name is not None:
            raise UsageError("no module", COMMAND)
        require_stdout()
        from wasmjit.bench import tiers

        return tiers.main(["--rounds", str(rounds)])
    if name is None:
        raise UsageError("--invoke FN is needed: the function that is called", COMMAND)
    require_stdout()
    return compared(operands[0], name, operands[1:], rounds)


def compared(path: str, name: str, texts: list[str], rounds: int) -> int:
    """Compare the tiers on one function."""
    from wasmjit.bench import ResultsDiffer, compare

    module = read_module(path)
    found = next((export for export in module.exports if export.name == name and export.kind == "func"), None)
    if found is None:
        names = [export.name for export in module.exports if export.kind == "func"]
        raise UsageError(f"no exported function {name!r}; there are: {', '.join(names) or 'none'}", COMMAND)
    params = found.type.params  # type: ignore[union-attr]
    if len(texts) != len(params):
        raise UsageError(f"{name} takes {len(params)} arguments: {found.type}, not {len(texts)}", COMMAND)
    try:
        arguments = [wasm_value(kind, text) for kind, text in zip(params, texts, strict=True)]
    except ValueError as error:
        raise UsageError(f"{name}: {error}", COMMAND) from None
    try:
        print(compare(module, name, *arguments, rounds=rounds))
    except ResultsDiffer as error:
        fail(str(error))
        return 1
    return 0
