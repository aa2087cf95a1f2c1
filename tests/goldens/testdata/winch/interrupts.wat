;; Fuel and epochs by counter.
(module
  (memory 1)
  (func $leaf (param i32) (result i32)
    (i32.add (local.get 0) (i32.const 1)))
  (func $loop (param $n i32)
    (loop $again
      (i32.store (local.get $n) (i32.const 7))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $calls (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 3))))
    (i32.mul (call $leaf (local.get 0)) (i32.div_u (i32.const 100) (local.get 0)))))
