"""Programs in text form for tests of `run` and `Process`."""

IMPORTS = """
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"""
# $read: some bytes of stdin to 1024, how many; $put: all of so many bytes at an address to a descriptor. Errors end the program with
# their number as the status. "started\\n" stands at 64.
FUNCTIONS = """
  (memory (export "memory") 2)
  (data (i32.const 64) "started\\n")
  (func $check (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $read (result i32)
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096))
    (call $check (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func $put (param $fd i32) (param $at i32) (param $left i32)
    (loop $again
      (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $left))
      (call $check (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
      (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
      (br_if $again (local.get $left))))
  (func $started (call $put (i32.const 1) (i32.const 64) (i32.const 8)))
  (func $sleep (param $nanoseconds i64)
    (i64.store (i32.const 128) (i64.const 0)) (i64.store (i32.const 136) (i64.const 0))
    (i64.store (i32.const 144) (i64.const 1)) (i64.store (i32.const 152) (local.get $nanoseconds))
    (i64.store (i32.const 160) (i64.const 0)) (i64.store (i32.const 168) (i64.const 0))
    (call $check (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320))))"""


def program(body: str, more: str = "", imports: str = "") -> str:
    """A module whose `_start` has this body. more: other fields of it; imports: other imports."""
    return f'(module {IMPORTS} {imports} {FUNCTIONS} {more} (func (export "_start") (local $n i32) {body}))'


def loop(body: str) -> str:
    """For ever."""
    return program(f"(call $started) (loop $l {body} (br $l))")


ECHO = """(loop $l (local.set $n (call $read)) (if (local.get $n) (then {} (br $l))))"""
CAT = program(ECHO.format("(call $put (i32.const 1) (i32.const 1024) (local.get $n))"))
# to both streams
TEE = program(
    ECHO.format("(call $put (i32.const 1) (i32.const 1024) (local.get $n)) (call $put (i32.const 2) (i32.const 1024) (local.get $n))")
)
YES = loop("(call $started)")
EXITS = program("(call $put (i32.const 2) (i32.const 64) (i32.const 8)) (call $exit (i32.const 7))")
TRAPS = program("(call $started) unreachable")
GREETS = program("(drop (call $read)) (call $started)")  # waits for input
CALLS = program("(call $started) (call $f)", imports='(import "env" "f" (func $f))')
FIBONACCI = """(func $fib (param $n i64) (result i64)
  (if (result i64) (i64.lt_u (local.get $n) (i64.const 2)) (then (local.get $n)) (else
    (i64.add (call $fib (i64.sub (local.get $n) (i64.const 1))) (call $fib (i64.sub (local.get $n) (i64.const 2)))))))"""
# each goes on for ever, or an hour at least, once it has said that it has started
ENDLESS = {
    "loop": loop(""),
    "nested": loop("(loop $m (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $m (i32.and (local.get $n) (i32.const 1023))))"),
    "store": loop("(i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))"),
    "call": program("(call $started) (loop (call $empty) (br 0))", "(func $empty)"),
    "recursion": program("(call $started) (drop (call $fib (i64.const 90)))", FIBONACCI),
    "grow": loop("(drop (memory.grow (i32.const 0)))"),
    "fill": program(
        "(call $started) (drop (memory.grow (i32.const 200)))"
        "(loop $l (memory.fill (i32.const 65536) (i32.const 7) (i32.const 9999999)) (br $l))"
    ),
    "clock": loop("(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 512)))"),
    "sleep": program("(call $started) (call $sleep (i64.const 3600000000000))"),
    "sleeps": loop("(call $sleep (i64.const 1000000))"),
    "read": program("(call $started) (drop (call $read))"),
    "write": YES,
}
