;; A memory with bounds checks in code: its addresses have 64 bits.
(module
  (memory i64 1 1000)
  (func $load (param i64) (result i32) (i32.load (local.get 0)))
  (func $load_at_offset (param i64) (result i64) (i64.load offset=24 (local.get 0)))
  (func $two_fields (param i64) (result i32)
    (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))
  (func $larger_offset_first (param i64) (result i32)
    (i32.add (i32.load offset=8 (local.get 0)) (i32.load (local.get 0))))
  (func $store (param i64 f64) (f64.store offset=8 (local.get 0) (local.get 1)))
  (func $increment (param i64)
    (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))
  (func $far_offset (param i64) (result i32) (i32.load offset=0x100000000 (local.get 0)))
  (func $sum (param $p i64) (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $p))))
      (local.set $p (i64.add (local.get $p) (i64.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
