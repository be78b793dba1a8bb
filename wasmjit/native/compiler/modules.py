"""Compiles whole modules: every function that they declare, and all that those refer to."""

from types import ModuleType

from ..declare import Function, Variable
from .function import FunctionCompiler
from .program import Program
from .wrapper import wrapper


def compile_modules(modules: list[ModuleType]) -> str:
    """LLVM IR text of the modules. Raises RestrictedError, and DeclarationError for a symbol declared twice."""
    program = Program()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Function) and value.function.__module__ == module.__name__:
                program.function(value)
            elif isinstance(value, Variable):
                program.variable(value)
    bodies: list[str] = []
    for function in program.queue:  # compiling a function appends those that it calls
        bodies.append(FunctionCompiler(program, function).compile())
        if function.export:
            bodies.append(wrapper(function, program))
    return program.text(bodies)
