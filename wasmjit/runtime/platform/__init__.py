"""One module a platform: context offsets, trampolines, calling conventions."""
