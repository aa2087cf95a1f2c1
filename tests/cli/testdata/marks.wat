;; Marks a part of itself for measuring.
(module $marks
  (import "bench" "start" (func $start))
  (import "bench" "end" (func $end))
  (func (export "_start") (local i32)
    (call $start)
    (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
                             (i32.const 1000000))))
    (call $end)))
