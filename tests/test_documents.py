"""README and docs tell the truth: their Python runs, what stands behind `#` is the value, their commands exist."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tests.paths import EXAMPLES, ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ["README.md", "docs/embedding.md", "docs/tracing.md"]


def expected(line: str) -> object:
    """The value that the comment at the end of the line claims; ... when it is prose."""
    try:
        return ast.literal_eval(line.rpartition("# ")[2].strip()) if "  # " in line else ...
    except (ValueError, SyntaxError):
        return ...


@pytest.mark.parametrize("page", PAGES)
def test_python_on_the_page_does_what_it_says(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for block in BLOCK.findall((ROOT / page).read_text()):
        lines = block.splitlines()
        for statement in ast.parse(block).body:
            source = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
            value = expected(lines[(statement.end_lineno or 1) - 1])
            if isinstance(statement, ast.Expr) and value is not ...:
                assert eval(compile(ast.Expression(statement.value), page, "eval"), names) == value, source
            else:
                exec(compile(ast.Module([statement], []), page, "exec"), names)


def test_the_commands_of_the_readme_are_one_line_each() -> None:
    text = (ROOT / "README.md").read_text()
    for end in (r"wasmjit examples/hello\.wasm", "pytest"):
        assert len(re.findall(rf"^python3 -m venv \.venv && \.venv/bin/pip install .*[ /]{end}$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_embedding_example_runs() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, EXAMPLES / "embed.py"], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == (
        "asked for [0, 1, 2, 3, 4, 5, 6, 7]\n"
        "sum 14.0\n"
        "numpy sees [0.  0.5 1.  1.5 2.  2.5 3.  3.5]\n"
        "sum 28.0\n"
        "trap: out of bounds memory access in sum\n"
        "     2 be\n"
        "     2 to\n"
    )
