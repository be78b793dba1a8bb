"""The optimizing tier: a request (functions, loops, profile) becomes a unit of machine code, through LLVM."""
