(module $vectors
  (func (export "add") (param v128 v128) (result v128)
    (i32x4.add (local.get 0) (local.get 1)))
  ;; The numerator and denominator of a NaN whose sign machines differ in.
  (func (export "divide") (param f32 f32) (result f32) (f32.div (local.get 0) (local.get 1)))
  (func $count (export "count") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 7))))
    (return_call $count (i64.sub (local.get 0) (i64.const 1)))))
