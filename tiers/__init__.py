"""The tiers a function runs in, lowest first. Today the interpreter; design: docs/architecture.md."""
