"""Functions as Python sees them: `Func`, `HostFunc`, `pass_instance`, `caller`.

`Func` is a heap type made by native code (runtime.calls_object), which does the calling; here it gets what is not fast.
"""

from wasmjit._image import native
from wasmjit.runtime.codes import HOOK_CALL_OPTIONS, HOOK_FUNCREF, HOST_PASS_INSTANCE, HOST_RAW, PHASE_COMPILED, VALUE_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any, NoReturn, TypeVar

    from wasmjit._functype import FuncType
    from wasmjit._instance import Instance

    F = TypeVar("F", bound=Callable[..., Any])

N = native()

TYPE_NAMES = {byte: name for name, byte in VALUE_TYPES.items()}
ANNOTATIONS = {"i32": int, "i64": int, "f32": float, "f64": float, "v128": int}


class _Methods:
    """A function of an instance, or a host function that came back from a table.

    Calling it converts arguments and results: i32 and i64 take ints in their signed or unsigned range and give signed
    ones, f32 and f64 take real numbers, funcref a Func, HostFunc or None, externref any object (None is null); several
    results are a tuple. Keywords: `timeout` in seconds, `fuel` in instructions. Raises TypeError and OverflowError before
    wasm is entered, Trap, and whatever a host function raises. Two Funcs are equal when they are the same function of the
    same instance.
    """

    # `Func` takes these attributes over; nothing else is of this class.

    if TYPE_CHECKING:
        __name__: str

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: object) -> None: ...
        def __call__(self, *args: Any, **options: Any) -> Any: ...  # a class of stubs has the parameters of its function

    @property
    def type(self) -> "FuncType":
        """Parameter and result types."""
        from wasmjit._functype import FuncType

        params, results = N.func_types(self)
        return FuncType([TYPE_NAMES[t] for t in params], [TYPE_NAMES[t] for t in results])

    @property
    def name(self) -> str | None:
        """The name in the module's name section, else the first under which it is exported, else None."""
        host = N.func_host(self)
        if host is not None:
            return getattr(host, "__name__", None)
        mod, index = N.func_mod(self), N.func_index(self)
        if mod == 0:
            return None
        found: str | None = N.mod_func_name(mod, index)
        if found is None:
            found = next((name for name, kind, i in N.mod_exports(mod) if kind == "func" and i == index), None)
        return found

    @property
    def index(self) -> int | None:
        """Index in the module's function space; None for a host function."""
        index: int = N.func_index(self)
        return None if index < 0 else index

    @property
    def tier(self) -> str:
        """What runs calls of it now: "interp", "opt", "reference", or "host"."""
        mod = N.func_mod(self)
        if mod == 0:
            return "host"
        module = N.func_owner(self).root().modules.get(mod)
        if module is not None and module.config.tier == "reference":
            return "reference"
        index = N.func_index(self)
        compiled = N.function_state(mod, index)[2] == PHASE_COMPILED or N.function_kept(mod, index)
        return "opt" if compiled else "interp"

    @property
    def _name(self) -> str:
        """What messages call it; `__name__` of the object, which the type's own name hides from Python classes, is this."""
        return self.name or f"func[{self.index}]"

    @property
    def __signature__(self) -> "Signature":
        from inspect import Parameter, Signature

        kind = self.type
        params = [Parameter(f"arg{i}", Parameter.POSITIONAL_ONLY, annotation=ANNOTATIONS.get(t, object)) for i, t in enumerate(kind.params)]
        options = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in ("timeout", "fuel")]
        results = [ANNOTATIONS.get(t, object) for t in kind.results]
        result = None if not results else results[0] if len(results) == 1 else tuple.__class_getitem__(tuple(results))
        return Signature(params + options, return_annotation=result)

    def call_raw(self, *bits: int) -> "int | tuple[int, ...] | None":
        """Call with the bits of each number as an integer; results likewise, unsigned: NaN payloads pass unchanged.

        TypeError when a parameter or result is a reference.
        """
        return N.func_call_raw(self, bits)  # type: ignore[no-any-return]

    def slot_code(self) -> str:
        """The interpreter's code of it, as text. ValueError: a host function, or too large."""
        mod, index = _place(self)
        return str(N.func_owner(self).root().modules[mod]._listing(index, "slots"))

    def llvm_ir(self, *, optimized: bool = True, level: int | None = None) -> str:
        """The LLVM IR of it as it is profiled now, behind LLVM's passes or before; level: 0 to 2, None for what it would be compiled at.

        ValueError: a host function, or the optimizer will not compile it; ImportError without llvmlite.
        """
        mod, index = _place(self)
        return str(N.func_owner(self).root().modules[mod]._listing(index, "optimized" if optimized else "ir", level))

    def asm(self, *, level: int | None = None) -> str:
        """The assembly of that, with the sites in the binary. For parameters and errors see `llvm_ir`."""
        mod, index = _place(self)
        return str(N.func_owner(self).root().modules[mod]._listing(index, "asm", level))

    async def acall(self, *args: "Any", timeout: float | None = None, fuel: int | None = None) -> "Any":
        """Call in a worker thread of the running event loop. Cancelling the task does not stop wasm; `timeout` does."""
        from asyncio import to_thread

        return await to_thread(call_options, self, args, {"timeout": timeout, "fuel": fuel})

    def __repr__(self) -> str:
        return f"<wasmjit.Func {self._name} {self.type}>"

    def __copy__(self) -> "_Methods":
        return self

    def __deepcopy__(self, memo: object) -> "_Methods":
        return self

    def __reduce_ex__(self, protocol: object) -> "NoReturn":
        raise TypeError(f"{self._name}: a wasm function belongs to its instance and cannot be pickled; pickle the Module")


def _place(func: _Methods) -> tuple[int, int]:
    """Module and index of a wasm function."""
    mod = N.func_mod(func)
    if mod == 0:
        raise ValueError(f"{func._name} is a host function")
    return mod, N.func_index(func)


if TYPE_CHECKING:

    class Func(_Methods):
        """A function of an instance."""

else:
    Func = N.func_type_new(object.__basicsize__)
    for _name, _value in vars(_Methods).items():
        if _name not in ("__dict__", "__module__", "__weakref__"):
            setattr(Func, _name, _value)


def call_options(func: "_Methods", args: "tuple[Any, ...]", options: "dict[str, Any]") -> "Any":
    """Call a Func with keywords."""
    timeout, fuel = options.pop("timeout", None), options.pop("fuel", None)
    if options:
        raise TypeError(f"{func._name}() got an unexpected keyword argument {next(iter(options))!r}")
    if fuel is not None:
        raise ValueError("fuel= needs a module made with Config(fuel=True)")
    return within(timeout, func, args)


def within(timeout: float | None, call: "Callable[..., Any]", args: "tuple[Any, ...]") -> "Any":
    """Make a call that wasm may spend `timeout` seconds in; None: as long as it likes. ValueError: no number of seconds."""
    if timeout is None:
        return call(*args)
    seconds = float(timeout)
    if not seconds >= 0:
        raise ValueError(f"timeout must be a number of seconds, not {timeout!r}")
    previous = N.deadline_push(seconds)
    try:
        return call(*args)
    finally:
        N.deadline_pop(previous)


N.set_hook(HOOK_CALL_OPTIONS, call_options)


class HostFunc:
    """A Python callable as a function that wasm can call.

    `HostFunc(callable, type=FuncType(["i32"], []))` fixes the type, which import matching then compares; a plain callable
    takes the type that the module asks for. Arguments come as for results of a `Func`, and what is returned is converted
    as arguments of a `Func` are: one value, or a tuple or other iterable of several; without results it is ignored.
    Exceptions pass through wasm unchanged. With `pass_instance=True`, or a callable marked by `@pass_instance`, the
    first argument is the calling Instance.
    """

    __slots__ = ("callable", "type", "name", "pass_instance", "raw", "_address", "_owner", "__weakref__")

    def __init__(
        self,
        callable: "Callable[..., Any]",
        type: "FuncType | None" = None,
        *,
        pass_instance: bool | None = None,
        name: str | None = None,
    ) -> None:
        if not _is_callable(callable):
            raise TypeError(f"a host function is a callable, not {callable.__class__.__name__}")
        self.callable = callable
        self.type = type
        self.name = name or str(getattr(callable, "__name__", callable.__class__.__name__))
        self.pass_instance = getattr(callable, "_wasmjit_pass_instance", False) if pass_instance is None else pass_instance
        self.raw = False
        self._address = 0
        self._owner: object = None

    def __call__(self, *args: "Any") -> "Any":
        """Call the callable itself."""
        return self.callable(*args)

    def __repr__(self) -> str:
        return f"<wasmjit.HostFunc {self.name} {self.type or 'of any type'}>"

    def address(self) -> int:
        """Address of the native FuncRef, made at the first call. It lives as long as this object."""
        if self._address == 0:
            if self.type is None:
                raise TypeError(f"host function {self.name}: a type is needed: HostFunc(callable, type=FuncType(params, results))")
            flags = HOST_PASS_INSTANCE * self.pass_instance | HOST_RAW * self.raw
            address = N.host_new(self.callable, _encoded(self.type.params), _encoded(self.type.results), flags, self.name)
            if address == 0:
                raise MemoryError("no memory for a host function")
            self._owner = N.host_owner(address)
            self._address = address
        return self._address

    def func(self) -> "Func":
        """The Func that this is as a funcref value. TypeError when it has no type."""
        return N.func_new(self.address(), self)  # type: ignore[no-any-return]

    def bound(self, type: "FuncType", name: str) -> "HostFunc":
        """This function as an import of a type and "module.name"; itself when its type is fixed."""
        if self.type is not None:
            return self
        made = HostFunc(self.callable, type, pass_instance=self.pass_instance, name=name)
        made.raw = self.raw
        return made


N.set_hook(HOOK_FUNCREF, lambda found: found.func() if isinstance(found, HostFunc) else None)

_is_callable = callable  # the parameter of HostFunc has this name


def _encoded(types: "tuple[str, ...]") -> bytes:
    try:
        return bytes([VALUE_TYPES[name] for name in types])
    except KeyError as error:
        raise ValueError(f"unknown value type {error.args[0]!r}; there are {', '.join(VALUE_TYPES)}") from None


def pass_instance(function: "F") -> "F":
    """Decorator: the Instance that calls this host function comes as its first argument."""
    function._wasmjit_pass_instance = True  # type: ignore[attr-defined]
    return function


def caller() -> "Instance":
    """The Instance that called the host function running in this thread. RuntimeError when none does."""
    return N.caller()  # type: ignore[no-any-return]
