"""Runs the commands of a test script (.wast) through the public API and says how each of them ended.

A command is skipped when its module needs a feature that validation refuses, or when it uses an instance of such a module.
"""

from __future__ import annotations

from wasmjit import CompileError, Config, Func, Global, Instance, LinkError, Module, StackOverflow, Trap, WasmException
from wasmjit._wat import assemble
from wasmjit.cli._wast_convert import Script, count
from wasmjit.cli._wast_report import Tally
from wasmjit.cli._wast_spectest import spectest
from wasmjit.cli._wast_values import argument, bits_of, is_number, matches, raw, show, show_expected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Command = dict[str, Any]
    Results = list[Any]


CUSTOM_CHECKS = "checks of custom sections"  # a reason to skip, where the others are names of features


class Skip(Exception):
    """The command needs a feature, whose name is the argument."""


class Failure(Exception):
    """The command did not do what the script says."""


class Absent:
    """Stands for the instance of a module that was skipped because of `feature`, or that failed: feature None."""

    def __init__(self, feature: str | None) -> None:
        self.feature = feature


def run_script(path: str, config: Config, tally: Tally) -> None:
    """Run a script and add to the tally. A script that cannot be converted counts as one failure."""
    try:
        script = Script(path)
    except CompileError as error:
        tally.fail(path, 0, "script", str(error))
        return
    with script:
        Runner(script, config, tally).run()


class Runner:
    """The state of a script: the last instance, instances and modules by name, and what is registered for imports."""

    def __init__(self, script: Script, config: Config, tally: Tally) -> None:
        self.script = script
        self.config = config
        self.tally = tally
        self.current: Instance | Absent = Absent(None)
        self.named: dict[str, Instance | Absent] = {}
        self.definitions: dict[str | None, Module | Absent] = {}
        self.registered: dict[str, Any] = {"spectest": spectest()}

    def run(self) -> None:
        """Execute all commands; none of them ends the script."""
        for command in self.script.commands:
            kind, line = command["type"], command.get("line", 0)
            run = COMMANDS.get(kind)
            try:
                if run is None:
                    raise Skip("threads" if kind in ("thread", "wait") else f"command {kind}")
                run(self, command)
            except Skip as skip:
                self.tally.skip(str(skip), count([command]))
            except Failure as failure:
                self.tally.fail(self.script.path, line, kind, str(failure))
            except Exception as error:
                self.tally.fail(self.script.path, line, kind, f"{type(error).__name__}: {error}")
            else:
                self.tally.passed += 1

    # --- modules

    def load(self, command: Command) -> Module:
        """The command's module. Skip: it needs a feature; CompileError: it is refused for another reason."""
        source = self.script.source(command)
        if command["module_type"] == "text" and "binary_filename" not in command:
            source = assemble(source)
        try:
            return Module(source, config=self.config)
        except CompileError as error:
            if error.feature is not None:
                raise Skip(error.feature) from None
            raise

    def instantiate(self, module: Module) -> Instance:
        """An instance of the module. Skip: it imports from an instance that was skipped."""
        for space in {row.module for row in module.imports}:
            _present(self.registered.get(space))
        return Instance(module, self.registered)

    def module(self, command: Command) -> None:
        """`(module ...)`: define, instantiate, make current. A named one can also be imported from under its name."""
        name = command.get("name")
        self.current = Absent(None)
        try:
            module = self.load(command)
            self.definitions[None] = module
            self.current = self.instantiate(module)
        except Skip as skip:
            self.current = Absent(str(skip))
            raise
        finally:
            if name is not None:
                self.named[name] = self.registered[name] = self.current

    def module_definition(self, command: Command) -> None:
        """`(module definition ...)`."""
        self.definitions[None] = self.definitions[command.get("name")] = Absent(None)
        try:
            self.definitions[None] = self.definitions[command.get("name")] = self.load(command)
        except Skip as skip:
            self.definitions[None] = self.definitions[command.get("name")] = Absent(str(skip))
            raise

    def module_instance(self, command: Command) -> None:
        """`(module instance $i $m)`."""
        name = command.get("instance")
        self.current = Absent(None)
        try:
            definition = self.definitions.get(command.get("module"))
            _present(definition)
            if not isinstance(definition, Module):
                raise Failure("no module definition of this name")
            self.current = self.instantiate(definition)
        except Skip as skip:
            self.current = Absent(str(skip))
            raise
        finally:
            if name is not None:
                self.named[name] = self.registered[name] = self.current

    def register(self, command: Command) -> None:
        """`(register "name" $i)`."""
        name = command.get("name")
        instance = self.current if name is None else self.named[name]
        self.registered[command["as"]] = instance
        _present(instance)

    # --- actions

    def act(self, action: Command) -> Results:
        """The results of an invocation, or a global's value: numbers in bits."""
        name = action.get("module")
        instance = self.current if name is None else self.named[name]
        _present(instance)
        if not isinstance(instance, Instance):
            raise Failure("its module could not be instantiated")
        export = instance.exports[action["field"]]
        if action["type"] == "get":
            if not isinstance(export, Global):
                raise Failure(f"{action['field']!r} is no global")
            return [raw(export.type.type, export.value)]
        if not isinstance(export, Func):
            raise Failure(f"{action['field']!r} is no function")
        return _invoke(export, action["args"])

    def action(self, command: Command) -> None:
        """An action whose results do not matter."""
        self.act(command["action"])

    def assert_return(self, command: Command) -> None:
        """The action gives these results."""
        results, expected = self.act(command["action"]), command["expected"]
        if len(results) != len(expected) or not all(map(matches, results, expected)):
            found = ", ".join(map(show, results)) or "nothing"
            raise Failure(f"expected {', '.join(map(show_expected, expected)) or 'nothing'}, got {found}")

    def assert_trap(self, command: Command) -> None:
        """The action traps with a message that begins like this."""
        try:
            results = self.act(command["action"])
        except Trap as trap:
            _compare_trap(trap, command["text"])
        else:
            raise Failure(f"expected a trap: {command['text']}, got {', '.join(map(show, results)) or 'nothing'}")

    def assert_exhaustion(self, command: Command) -> None:
        """The action exhausts the call stack."""
        try:
            self.act(command["action"])
        except StackOverflow as trap:
            _compare_trap(trap, command["text"])
        else:
            raise Failure("expected the call stack to overflow")

    def assert_exception(self, command: Command) -> None:
        """The action ends with an exception of the module's."""
        try:
            self.act(command["action"])
        except WasmException:
            return
        raise Failure("expected an exception")

    # --- modules that must be refused

    def assert_refused(self, command: Command) -> None:
        """The module is malformed or invalid. Why it is refused is not compared: texts differ between decoders.

        One that also needs a feature passes: by the version of the specification that is implemented, it is malformed as well.
        """
        try:
            self.load(command)
        except (CompileError, Skip):
            return
        raise Failure(f"accepted, expected: {command['text']}")

    def assert_refused_custom(self, command: Command) -> None:
        """A custom section or annotation is wrong. Runtimes may ignore those (spec appendix, custom sections): accepted is a skip."""
        try:
            self.load(command)
        except CompileError:
            return
        raise Skip(CUSTOM_CHECKS)

    def assert_unlinkable(self, command: Command) -> None:
        """The module is valid and its imports do not fit."""
        module = self.load(command)
        try:
            self.instantiate(module)
        except LinkError:
            return
        raise Failure(f"linked, expected: {command['text']}")

    def assert_uninstantiable(self, command: Command) -> None:
        """Instantiation traps."""
        module = self.load(command)
        try:
            self.instantiate(module)
        except Trap as trap:
            _compare_trap(trap, command["text"])
            return
        raise Failure(f"instantiated, expected a trap: {command['text']}")


COMMANDS: dict[str, Callable[[Runner, Command], None]] = {
    "module": Runner.module,
    "module_definition": Runner.module_definition,
    "module_instance": Runner.module_instance,
    "register": Runner.register,
    "action": Runner.action,
    "assert_return": Runner.assert_return,
    "assert_trap": Runner.assert_trap,
    "assert_exhaustion": Runner.assert_exhaustion,
    "assert_exception": Runner.assert_exception,
    "assert_invalid": Runner.assert_refused,
    "assert_malformed": Runner.assert_refused,
    "assert_invalid_custom": Runner.assert_refused_custom,
    "assert_malformed_custom": Runner.assert_refused_custom,
    "assert_unlinkable": Runner.assert_unlinkable,
    "assert_uninstantiable": Runner.assert_uninstantiable,
}


def _invoke(function: Func, values: list[Command]) -> Results:
    """Call with the script's values: by bits, or with objects where references are among the types."""
    kind = function.type
    if all(map(is_number, kind.params + kind.results)):
        result: Any = function.call_raw(*map(bits_of, values))
        return [] if not kind.results else [result] if len(kind.results) == 1 else list(result)
    result = function(*map(argument, values))
    objects = [] if not kind.results else [result] if len(kind.results) == 1 else result
    return list(map(raw, kind.results, objects))


def _present(found: object) -> None:
    """Skip when this stands for an instance that was skipped."""
    if isinstance(found, Absent) and found.feature is not None:
        raise Skip(found.feature)


def _compare_trap(trap: Trap, text: str) -> None:
    """The message begins with the expected text, as the specification's interpreter has it; it may lack an element's number."""
    if not trap.code.startswith(text) and not text.startswith(f"{trap.code} "):
        raise Failure(f"expected a trap: {text}, got: {trap.code}")
