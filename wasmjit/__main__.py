"""`python -m wasmjit`: the `wasmjit` command."""

import sys

from wasmjit.cli import main

if __name__ == "__main__":
    sys.exit(main())
