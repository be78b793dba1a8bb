;; Fills an array of f64 with what the host gives, sums arrays. Build: wasm-tools parse statistics.wat -o statistics.wasm
(module $statistics
  (import "env" "sample" (func $sample (param i32) (result f64)))
  (memory (export "memory") 1 16)
  (global $end (mut i32) (i32.const 1024))                     ;; everything below is in use

  ;; fill(n): a new array of n values sample(0) .. sample(n - 1); its address
  (func $fill (export "fill") (param $n i32) (result i32)
    (local $i i32) (local $array i32)
    (local.set $array (global.get $end))
    (global.set $end (i32.add (global.get $end) (i32.shl (local.get $n) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (f64.store (i32.add (local.get $array) (i32.shl (local.get $i) (i32.const 3))) (call $sample (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $array))

  ;; sum(array, n)
  (func $sum (export "sum") (param $array i32) (param $n i32) (result f64)
    (local $total f64) (local $end i32)
    (local.set $end (i32.add (local.get $array) (i32.shl (local.get $n) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $array) (local.get $end)))
        (local.set $total (f64.add (local.get $total) (f64.load (local.get $array))))
        (local.set $array (i32.add (local.get $array) (i32.const 8)))
        (br $next)))
    (local.get $total)))
