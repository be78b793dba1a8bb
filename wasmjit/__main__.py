"""`python -m wasmjit`: the `wasmjit` command."""

from wasmjit.cli import script

if __name__ == "__main__":
    script()
