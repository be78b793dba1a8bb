"""libc as restricted Python calls it: one extern a function, sorted by name."""

from wasmjit.native.lang import extern, i32, i64, ptr, u8, u64


@extern
def calloc(count: u64, size: u64) -> ptr[u8]: ...


@extern
def free(block: ptr[u8]) -> None: ...


@extern
def malloc(size: u64) -> ptr[u8]: ...


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
def realloc(block: ptr[u8], size: u64) -> ptr[u8]: ...
