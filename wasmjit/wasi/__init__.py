"""WASI preview 1: host functions and the sandboxed file system."""
