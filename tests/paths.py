"""Where test data of others lies: folders named by environment variables, beside the checkout by default. Either may be missing."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SPEC = Path(os.environ.get("WASMJIT_SPEC") or ROOT.parent / "shared" / "spec")  # one folder of .wast scripts a proposal
CORPUS = Path(os.environ.get("WASMJIT_CORPUS") or ROOT.parent / "shared" / "corpus")  # modules/*.wasm, real.json, data/
