"""The smallest set of functions whose optimized code makes a program do something else: delta debugging (Zeller, ddmin)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def smallest(functions: list[int], differs: "Callable[[list[int]], bool]") -> list[int]:
    """A part of `functions` that differs and of which no single function can be left out. `differs(functions)` must hold.

    Where one function is to blame that takes about 2 log2(n) runs.
    """
    parts = 2
    while len(functions) > 1:
        size = -(-len(functions) // parts)
        pieces = [functions[at : at + size] for at in range(0, len(functions), size)]
        alone = next((piece for piece in pieces if differs(piece)), None)
        if alone is not None:
            functions, parts = alone, 2
            continue
        others = ([f for f in functions if f not in piece] for piece in pieces) if len(pieces) > 2 else ()
        without = next((rest for rest in others if differs(rest)), None)
        if without is not None:
            functions, parts = without, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(2 * parts, len(functions))
    return functions
