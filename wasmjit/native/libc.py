"""libc as restricted Python calls it: one extern a function, sorted by name."""

from wasmjit.native.lang import extern, i32, i64, ptr, u8, u32, u64


@extern
def calloc(count: u64, size: u64) -> ptr[u8]: ...


@extern
def clock_gettime(clock: i32, timespec: ptr[u8]) -> i32: ...


@extern
def dlsym(library: ptr[u8], name: ptr[u8]) -> ptr[u8]: ...


@extern
def free(block: ptr[u8]) -> None: ...


@extern
def getpid() -> i32: ...


@extern
def getrlimit(resource: i32, rlimit: ptr[u8]) -> i32: ...


@extern
def malloc(size: u64) -> ptr[u8]: ...


@extern
def memchr(at: ptr[u8], byte: i32, size: u64) -> ptr[u8]: ...


@extern
def memcmp(a: ptr[u8], b: ptr[u8], size: u64) -> i32: ...


@extern
def memcpy(to: ptr[u8], source: ptr[u8], size: u64) -> ptr[u8]: ...


@extern
def memmove(to: ptr[u8], source: ptr[u8], size: u64) -> ptr[u8]: ...


@extern
def memset(to: ptr[u8], byte: i32, size: u64) -> ptr[u8]: ...


@extern
def mmap(address: ptr[u8], size: u64, protection: i32, flags: i32, fd: i32, offset: i64) -> ptr[u8]: ...


@extern
def mprotect(address: ptr[u8], size: u64, protection: i32) -> i32: ...


@extern
def munmap(address: ptr[u8], size: u64) -> i32: ...


@extern
def pthread_attr_destroy(attributes: ptr[u8]) -> i32: ...


@extern
def pthread_attr_getguardsize(attributes: ptr[u8], size: ptr[u64]) -> i32: ...


@extern
def pthread_attr_getstack(attributes: ptr[u8], address: ptr[u64], size: ptr[u64]) -> i32: ...


@extern
def pthread_create(thread: ptr[u64], attributes: ptr[u8], start: ptr[u8], argument: ptr[u8]) -> i32: ...


@extern
def pthread_getattr_np(thread: u64, attributes: ptr[u8]) -> i32: ...


@extern
def pthread_getspecific(key: u32) -> ptr[u8]: ...


@extern
def pthread_join(thread: u64, result: ptr[u8]) -> i32: ...


@extern
def pthread_key_create(key: ptr[u32], destructor: ptr[u8]) -> i32: ...


@extern
def pthread_kill(thread: u64, signal: i32) -> i32: ...


@extern
def pthread_self() -> u64: ...


@extern
def pthread_setspecific(key: u32, value: ptr[u8]) -> i32: ...


@extern
def pthread_sigmask(how: i32, set: ptr[u8], previous: ptr[u8]) -> i32: ...


@extern
def realloc(block: ptr[u8], size: u64) -> ptr[u8]: ...


@extern
def sched_getaffinity(process: i32, size: u64, mask: ptr[u8]) -> i32: ...


@extern
def sigaction(signal: i32, action: ptr[u8], previous: ptr[u8]) -> i32: ...


@extern
def sigpending(set: ptr[u8]) -> i32: ...


@extern(variadic=True)
def syscall(number: i64) -> i64: ...


@extern
def usleep(microseconds: u32) -> i32: ...


@extern
def write(fd: i32, data: ptr[u8], size: u64) -> i64: ...
