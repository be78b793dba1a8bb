"""Host functions: wasm calling Python.

A host function is one `HostBlock`: its FuncRef, what it runs, and the word of slot code that a wasm call jumps to, which
calls `host_call`. The block does not own the callable: the Python object that made it does, so that garbage collection
sees cycles through it.
"""

from wasmjit.binary.signatures import sig_drop, sig_intern
from wasmjit.native.capi import (
    Py_DecRef,
    Py_IncRef,
    PyBytes_AsString,
    PyBytes_Size,
    PyCapsule_GetPointer,
    PyCapsule_New,
    PyErr_Clear,
    PyErr_ExceptionMatches,
    PyErr_Format,
    PyErr_NoMemory,
    PyErr_SetString,
    PyExc_RuntimeError,
    PyExc_TypeError,
    PyLong_FromUnsignedLongLong,
    PyObject_CallFunctionObjArgs,
    PyObject_Vectorcall,
    PySequence_Tuple,
    PyTuple_GetItem,
    PyTuple_Size,
    PyType_GetName,
)
from wasmjit.native.lang import (
    PyObject,
    addr,
    alloca,
    array,
    boolean,
    export,
    fn,
    fnptr,
    i64,
    likely,
    ptr,
    sizeof,
    struct,
    symbol,
    u8,
    u32,
    u64,
    unlikely,
    vload,
)
from wasmjit.native.libc import calloc, free, malloc
from wasmjit.runtime.calls_hooks import hook
from wasmjit.runtime.calls_numbers import type_of
from wasmjit.runtime.calls_types import width
from wasmjit.runtime.calls_values import RESULT, box, none, unbox
from wasmjit.runtime.codes import GIL_HELD, HOOK_INSTANCE, HOST_PASS_INSTANCE, HOST_RAW, TRAP_STACK
from wasmjit.runtime.context import held_ec
from wasmjit.runtime.safepoints import gil_ensure, limits_check, monotonic, python_begin, python_end, safepoint
from wasmjit.runtime.structs import Ec, FuncRef, Host, StoreData
from wasmjit.runtime.traps import disorder, throw_python, trap

FEW = 15  # arguments that are passed from the native stack
OFFSET = 1 << 63  # PY_VECTORCALL_ARGUMENTS_OFFSET: the word before the arguments is ours
HANDLER_STACK = 4 << 10  # native stack that wasm may have used since its entry was checked: ec.stack_limit has room for Python


@struct
class HostBlock:
    ref: FuncRef
    host: Host
    slots: array[u64, 2]  # slot code: {the Code it belongs to, the word}


@export
def host_new(callable: ptr[PyObject], params: ptr[PyObject], results: ptr[PyObject], flags: u32, name: ptr[PyObject]) -> ptr[FuncRef]:
    """A host function: the address of its FuncRef, 0 when memory ran out. The capsule of `host_owner` frees it.

    `callable` is borrowed for that long. `params`, `results`: bytes, a value type each as encoded. `flags`: HOST_*.
    `name`: str for messages, such as "env.log".
    """
    nparams = u32(PyBytes_Size(params))
    sig = sig_intern(PyBytes_AsString(params), nparams, PyBytes_AsString(results), u32(PyBytes_Size(results)))
    if sig == 0:
        return ptr[FuncRef](0)
    block = ptr[HostBlock](calloc(1, sizeof(HostBlock)))
    if block == 0:
        sig_drop(sig)
        return ptr[FuncRef](0)
    host = block.host
    Py_IncRef(name)
    host.callable = callable
    host.flags = flags
    host.name = name
    host.code.sig = sig
    host.code.slots = ptr[u8](block.slots + 1)
    host.code.entry = host.code.slots
    host.code.nbytes = 8
    host.code.native = symbol("c2host")
    block.slots[0] = u64(host.code)
    block.slots[1] = u64(symbol("host_word"))
    block.ref.code = host.code
    block.ref.sig = sig
    block.ref.host = host
    return block.ref


@export
def host_owner(ref: ptr[FuncRef]) -> ptr[PyObject]:
    """A capsule that frees the host function when it dies: by then no table, instance or activation may refer to it."""
    return PyCapsule_New(ptr[u8](ref), b"wasmjit.host", fnptr(host_capsule_free))


@fn
def host_capsule_free(capsule: ptr[PyObject]) -> None:
    block = ptr[HostBlock](PyCapsule_GetPointer(capsule, b"wasmjit.host"))
    sig_drop(block.ref.sig)
    Py_DecRef(block.host.name)
    free(ptr[u8](block))


@fn
def host_call(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> None:
    """Call a host function from wasm: arguments at sp[0..], results come there. Throws what it raises.

    ec.vs_top and ec.cs_top stand above the caller's frame, ec.pc at the call.
    """
    if unlikely(ec.gil != GIL_HELD):
        gil_ensure(ec)
    if unlikely(u64(alloca(u8)) + HANDLER_STACK < ec.stack_limit):
        trap(ec, TRAP_STACK)
    act = ec.act
    records = ec.cs_top
    outside = python_begin(ec)
    passed = host_run(ec, ref, sp)
    ticked = python_end(ec, outside)
    if unlikely(ec.cs_top != records):
        disorder(ec, act)
    if unlikely(not passed):
        throw_python(ec)
    if unlikely(ec.deadline | vload(u64, addr(ec.interrupt)) != 0):
        limits_check(ec, monotonic())  # many calls that take long make few back edges: no safepoint would look in time
    if unlikely(ticked):  # the next tick may fall into a host function again
        safepoint(ec)


@fn
def host_run(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64]) -> boolean:
    """Box, call, unbox. No reference is held afterwards. False: an exception is set."""
    host = ref.host
    few = alloca(ptr[PyObject], FEW + 2)
    args = few
    if unlikely(ref.sig.nparams > FEW):
        args = ptr[ptr[PyObject]](malloc((u64(ref.sig.nparams) + 2) * 8))
        if args == 0:
            PyErr_NoMemory()
            return False
    args = args + 1
    callable = host.callable
    Py_IncRef(callable)
    result = ptr[PyObject](0)
    count = host_arguments(ec, ref, sp, args)
    if likely(count >= 0):
        result = PyObject_Vectorcall(callable, args, u64(count) | OFFSET, ptr[PyObject](0))
        for i in range(count):
            Py_DecRef(args[i])
    if unlikely(args != few + 1):
        free(ptr[u8](args - 1))
    passed = False
    if likely(result != 0):
        passed = host_results(ec, ref, sp, result)
        Py_DecRef(result)
    Py_DecRef(callable)
    return passed


@fn(inline=True)
def host_arguments(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64], args: ptr[ptr[PyObject]]) -> i64:
    """Box the arguments; the number of objects, -1 with an exception set."""
    flags = ref.host.flags
    sig = ref.sig
    count: i64 = 0
    if unlikely(flags != 0):
        if flags & HOST_RAW:
            args[0] = PyLong_FromUnsignedLongLong(u64(ec.inst))
            args[1] = PyLong_FromUnsignedLongLong(u64(sp))
            return 2 if args[0] != 0 and args[1] != 0 else -1
        if flags & HOST_PASS_INSTANCE:
            args[0] = caller_instance(ec)
            if args[0] == 0:
                return -1
            count = 1
    at = sp
    owner = ptr[PyObject](0)
    if ec.inst != 0:
        owner = ec.inst.store.py
    for i in range(sig.nparams):
        type = u32(sig.types[i])
        object = box(type, at, owner)
        if unlikely(object == 0):
            while count > 0:
                count -= 1
                Py_DecRef(args[count])
            return -1
        args[count] = object
        count += 1
        at = at + width(type)
    return count


@fn(inline=True)
def host_results(ec: ptr[Ec], ref: ptr[FuncRef], sp: ptr[u64], result: ptr[PyObject]) -> boolean:
    """Unbox what the callable returned; of a function without results anything is accepted, as in the JavaScript API."""
    sig = ref.sig
    if sig.nresults == 0 or ref.host.flags & HOST_RAW:
        return True
    store = ptr[StoreData](0)
    if ec.inst != 0:
        store = ec.inst.store
    if likely(sig.nresults == 1):
        return unbox(u32(sig.types[sig.nparams]), result, sp, store, ref.host.name, RESULT)
    return host_results_many(ref, sp, result, store)


@fn(cold=True)
def host_results_many(ref: ptr[FuncRef], sp: ptr[u64], result: ptr[PyObject], store: ptr[StoreData]) -> boolean:
    sig = ref.sig
    host = ref.host
    values = PySequence_Tuple(result)
    if values == 0:
        if PyErr_ExceptionMatches(PyExc_TypeError):
            PyErr_Clear()
            name = PyType_GetName(type_of(result))
            if name != 0:
                PyErr_Format(PyExc_TypeError, b"host function %U returned %U, %u results expected", host.name, name, sig.nresults)
                Py_DecRef(name)
        return False
    passed = PyTuple_Size(values) == i64(sig.nresults)
    if not passed:
        PyErr_Format(PyExc_TypeError, b"host function %U returned %zd results, %u expected", host.name, PyTuple_Size(values), sig.nresults)
    at = sp
    i: u32 = 0
    while passed and i < sig.nresults:
        type = u32(sig.types[sig.nparams + i])
        passed = unbox(type, PyTuple_GetItem(values, i64(i)), at, store, host.name, RESULT)
        at = at + width(type)
        i += 1
    Py_DecRef(values)
    return passed


@fn
def caller_instance(ec: ptr[Ec]) -> ptr[PyObject]:
    """The Instance whose code runs in this thread: a new reference; None outside of wasm, null with an exception set."""
    if ec.inst == 0:
        return none()
    instance = ec.inst.py
    if likely(instance != 0):
        Py_IncRef(instance)
        return instance
    make = hook(HOOK_INSTANCE)
    address = ptr[PyObject](0)
    if make != 0:
        address = PyLong_FromUnsignedLongLong(u64(ec.inst))
    if address != 0:
        instance = PyObject_CallFunctionObjArgs(make, address, ptr[PyObject](0))
        Py_DecRef(address)
    return instance


@export
def caller() -> ptr[PyObject]:
    """The Instance that called the host function which runs in this thread. RuntimeError: none does."""
    ec = held_ec()
    if ec == 0 or ec.act == 0 or ec.inst == 0:  # ec.inst is stale outside of activations
        PyErr_SetString(PyExc_RuntimeError, b"caller() is called by a host function, which wasm has called")
        return ptr[PyObject](0)
    return caller_instance(ec)
