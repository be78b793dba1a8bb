"""Of all tests: programs that they start leave no compiler behind. Those of finishing ask for it."""

import os

os.environ.setdefault("WASMJIT_FINISH", "0")
