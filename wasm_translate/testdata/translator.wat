;; Functions for translator_test: each shows one thing about the IR that comes out.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (memory 1)
  (table 4 funcref)
  (global $g (mut i64) (i64.const 0))

  ;; Straight-line code makes one block.
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))

  ;; A local that both arms of an if leave alone passes without a parameter; one that an arm
  ;; writes becomes a parameter of the block behind.
  (func $diamond (param $x i32) (param $y i32) (result i32)
    (if (local.get $x)
      (then (local.set $y (i32.const 1)))
      (else (nop)))
    (i32.sub (local.get $x) (local.get $y)))

  ;; A loop's header has parameters for what the loop writes and reads only: $unused is
  ;; written but dead at the header, $step is read but not written.
  (func $loop (param $n i32) (param $step i32) (result i32)
    (local $sum i32) (local $unused i32)
    (loop $again
      (local.set $unused (i32.mul (local.get $n) (local.get $step)))
      (local.set $sum (i32.add (local.get $sum) (local.get $unused)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; An if with parameters and without else passes them on where the condition is false.
  (func $if_params (param i32 i32) (result i32)
    (local.get 0)
    (if (param i32) (result i32) (local.get 1)
      (then (i32.const 1) (i32.add))))

  ;; What follows a branch is not translated.
  (func $dead (param i32) (result i32)
    (block $out (result i32)
      (br $out (local.get 0))
      (i32.mul (i32.const 2))
      (drop)
      (unreachable)))

  ;; Each distinct target of a table gets a block of its own.
  (func $switch (param i32) (result i32)
    (local $r i32)
    (block $c
      (block $b
        (block $a
          (br_table $a $b $a $c (local.get 0)))
        (local.set $r (i32.const 10))
        (br $c))
      (local.set $r (i32.const 20)))
    (local.get $r))

  ;; Loads and stores fold a static offset, and a constant index.
  (func $memory (param i32)
    (i64.store offset=8 (local.get 0) (i64.load32_u offset=4 (local.get 0)))
    (i32.store8 offset=1 (i32.const 100) (i32.load16_s (i32.const 65534))))

  (func $call (param i32) (result i32)
    (call $add (local.get 0) (call_indirect (type $binary) (i32.const 1) (i32.const 2) (local.get 0))))

  ;; Several results, of a block and of the function.
  (func $multi (param i32) (result i32 i64)
    (block (result i32 i64)
      (i32.const 1)
      (i64.const 2)
      (br_if 0 (local.get 0))
      (drop)
      (drop)
      (return (i32.const 3) (global.get $g))))

  (func $arithmetic (param f64 i64) (result i32)
    (i32.trunc_f64_s (local.get 0))
    (i64.div_s (i64.extend8_s (local.get 1)) (i64.const 3))
    (i64.eqz)
    (i32.and)
    (i32.trunc_sat_f64_u (local.get 0))
    (i32.rem_u))

  ;; Nested loops: the inner one needs no parameter for what only the outer one writes.
  (func $nested (param $n i32) (param $m i32) (result i32)
    (local $i i32) (local $j i32)
    (loop $outer
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $j (i32.add (local.get $j) (local.get $i)))
        (br_if $inner (i32.lt_u (local.get $j) (local.get $m))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))
    (i32.add (local.get $i) (local.get $j))))
