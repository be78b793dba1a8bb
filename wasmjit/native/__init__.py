"""Native code: restricted Python -> LLVM IR -> ELF object -> flat image; cache and loader of images.

The run path imports `imagefile` and `cache` only; `build_and_load` brings in the compiler when asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmjit.native.build import build_and_load, build_image

__all__ = ["build_and_load", "build_image"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from wasmjit.native import build

        return getattr(build, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
