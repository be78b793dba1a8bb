"""Call WebAssembly from Python and Python from WebAssembly, and share memory with numpy: `python examples/embed.py`.

statistics.wasm fills an array with values that a Python function gives it, and sums them up.
"""

from pathlib import Path

import wasmjit

HERE = Path(__file__).parent


def main() -> None:
    # a host function: the module imports env.sample and calls it for each element
    asked: list[int] = []

    def sample(index: int) -> float:
        asked.append(index)
        return index * 0.5

    statistics = wasmjit.load(HERE / "statistics.wasm", {"env": {"sample": sample}})
    pointer = statistics.exports.fill(8)
    print("asked for", asked)
    print("sum", statistics.exports.sum(pointer, 8))

    # the array, where it lies: writing to it is writing to the module's memory
    values = statistics.memory.array(pointer, 8, "f8")
    print("numpy sees", values)
    values *= 2
    print("sum", statistics.exports.sum(pointer, 8))

    # a trap is an exception of its own
    try:
        statistics.exports.sum(-8, 8)
    except wasmjit.MemoryOutOfBounds as error:
        print("trap:", error, "in", error.frames[0].name)

    # a whole program, as with subprocess.run
    done = wasmjit.run(HERE / "wordfreq.wasm", args=["-n", "2"], input=b"to be or not to be", capture_output=True, text=True)
    print(done.stdout, end="")


if __name__ == "__main__":
    main()
