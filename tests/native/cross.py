"""Run as a program: compile the image for Linux on AArch64, at the code generation level given; prints what came out as JSON.

A process of its own, because the platform is chosen when `wasmjit.runtime.platform` is imported. LLVM's assembly parsers are
there for the host only, so the module assembler is left out of the objects and put behind the assembly text.
"""

import json
import os
import sys
from importlib import import_module


def main(level: int, target: str) -> None:
    os.environ["WASMJIT_MACHINE"] = "aarch64"
    from wasmjit import _image
    from wasmjit.native import imagefile
    from wasmjit.native.build import image_ir, pack
    from wasmjit.native.emit import emit, target_machine
    from wasmjit.native.flatten import flatten
    from wasmjit.native.target import Target
    from wasmjit.runtime import platform

    aarch64 = Target("aarch64-unknown-linux-gnu", "generic")
    modules = [import_module(name) for name in _image.SOURCES]
    texts = image_ir(modules, [import_module(name).ir() for name in _image.GENERATORS])
    texts = ["\n".join(line for line in text.splitlines() if not line.startswith("module asm")) for text in texts]
    flat = flatten([emit(text, aarch64, level=level) for text in texts if text.strip()], head=imagefile.HEAD)
    data = pack(flat)
    with open(target, "w", encoding="utf-8") as file:
        if level == 0:
            from llvmlite import binding as llvm

            machine = target_machine(aarch64, level=level)
            module, *others = [llvm.parse_assembly(text) for text in texts]
            for other in others:
                module.link_in(other)
            module.triple, module.data_layout = machine.triple, str(machine.target_data)
            file.write(machine.emit_assembly(module))
        file.write(platform.chosen.assembler())
    imports = [name for name, _ in flat.imports]
    print(json.dumps({"machine": flat.machine.name, "size": len(data), "symbols": sorted(flat.symbols), "imports": imports}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
