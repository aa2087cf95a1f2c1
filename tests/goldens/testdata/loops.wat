;; Loops as C compilers leave them.
(module
  (memory 1)
  (func $count_down (param $n i32)
    (loop $again
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $sum_to (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func $sum_while (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (local.get $sum))
  (func $sum_array (param $p i32) (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func $sum_array_by_index (param $p i32) (param $n i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $again
      (local.set $sum
        (i64.add (local.get $sum)
                 (i64.load32_s (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2))))))
      (br_if $again
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $sum))
  (func $dot_product (param $p i32) (param $q i32) (param $n i32) (result f64) (local $sum f64)
    (loop $again
      (local.set $sum
        (f64.add (local.get $sum) (f64.mul (f64.load (local.get $p)) (f64.load (local.get $q)))))
      (local.set $p (i32.add (local.get $p) (i32.const 8)))
      (local.set $q (i32.add (local.get $q) (i32.const 8)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func $fill_bytes (param $p i32) (param $x i32) (param $n i32)
    (block $done
      (br_if $done (i32.eqz (local.get $n)))
      (loop $again
        (i32.store8 (local.get $p) (local.get $x))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (func $copy_bytes (param $to i32) (param $from i32) (param $n i32)
    (block $done
      (br_if $done (i32.eqz (local.get $n)))
      (loop $again
        (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (func $compare_bytes (param $p i32) (param $q i32) (param $n i32) (result i32)
    (local $x i32) (local $y i32)
    (block $equal
      (loop $again
        (br_if $equal (i32.eqz (local.get $n)))
        (local.set $x (i32.load8_u (local.get $p)))
        (local.set $y (i32.load8_u (local.get $q)))
        (if (i32.ne (local.get $x) (local.get $y))
          (then (return (i32.sub (local.get $x) (local.get $y)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $q (i32.add (local.get $q) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (i32.const 0))
  (func $string_length (param $p i32) (result i32) (local $q i32)
    (local.set $q (i32.sub (local.get $p) (i32.const 1)))
    (loop $again
      (local.set $q (i32.add (local.get $q) (i32.const 1)))
      (br_if $again (i32.load8_u (local.get $q))))
    (i32.sub (local.get $q) (local.get $p)))
  (func $find_byte (param $p i32) (param $x i32) (param $n i32) (result i32)
    (block $none
      (loop $again
        (br_if $none (i32.eqz (local.get $n)))
        (if (i32.eq (i32.load8_u (local.get $p)) (local.get $x)) (then (return (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (i32.const 0))
  (func $count_spaces (param $p i32) (result i32) (local $count i32) (local $x i32)
    (loop $again
      (local.set $x (i32.load8_u (local.get $p)))
      (local.set $count (i32.add (local.get $count) (i32.eq (local.get $x) (i32.const 32))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $again (local.get $x)))
    (local.get $count))
  (func $fibonacci (param $n i32) (result i64) (local $a i64) (local $b i64) (local $c i64)
    (local.set $b (i64.const 1))
    (loop $again
      (local.set $c (i64.add (local.get $a) (local.get $b)))
      (local.set $a (local.get $b))
      (local.set $b (local.get $c))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $a))
  (func $greatest_common_divisor (param $a i32) (param $b i32) (result i32) (local $t i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $b)))
        (local.set $t (i32.rem_u (local.get $a) (local.get $b)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $t))
        (br $again)))
    (local.get $a))
  (func $collatz (param $n i32) (result i32) (local $steps i32)
    (block $done
      (loop $again
        (br_if $done (i32.le_u (local.get $n) (i32.const 1)))
        (local.set $n
          (if (result i32) (i32.and (local.get $n) (i32.const 1))
            (then (i32.add (i32.mul (local.get $n) (i32.const 3)) (i32.const 1)))
            (else (i32.shr_u (local.get $n) (i32.const 1)))))
        (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
        (br $again)))
    (local.get $steps))
  (func $power (param $x i32) (param $n i32) (result i32) (local $y i32)
    (local.set $y (i32.const 1))
    (loop $again
      (if (i32.and (local.get $n) (i32.const 1))
        (then (local.set $y (i32.mul (local.get $y) (local.get $x)))))
      (local.set $x (i32.mul (local.get $x) (local.get $x)))
      (br_if $again (local.tee $n (i32.shr_u (local.get $n) (i32.const 1)))))
    (local.get $y))
  (func $population_by_loop (param $x i32) (result i32) (local $count i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $x)))
        (local.set $x (i32.and (local.get $x) (i32.sub (local.get $x) (i32.const 1))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $again)))
    (local.get $count))
  (func $prefix_sums (param $p i32) (param $n i32) (local $sum i32)
    (loop $again
      (i32.store (local.get $p)
                 (local.tee $sum (i32.add (local.get $sum) (i32.load (local.get $p)))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $largest (param $p i32) (param $n i32) (result i32) (local $best i32) (local $x i32)
    (local.set $best (i32.const 0x80000000))
    (loop $again
      (local.set $x (i32.load (local.get $p)))
      (if (i32.gt_s (local.get $x) (local.get $best)) (then (local.set $best (local.get $x))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $best))
  (func $binary_search (param $p i32) (param $n i32) (param $key i32) (result i32)
    (local $low i32) (local $middle i32)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $low) (local.get $n)))
        (local.set $middle
          (i32.shr_u (i32.add (local.get $low) (local.get $n)) (i32.const 1)))
        (if (i32.lt_s (i32.load (i32.add (local.get $p)
                                         (i32.shl (local.get $middle) (i32.const 2))))
                      (local.get $key))
          (then (local.set $low (i32.add (local.get $middle) (i32.const 1))))
          (else (local.set $n (local.get $middle))))
        (br $again)))
    (local.get $low))
  (func $reverse (param $p i32) (param $q i32) (local $x i32)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $p) (local.get $q)))
        (local.set $x (i32.load8_u (local.get $p)))
        (i32.store8 (local.get $p) (i32.load8_u (local.get $q)))
        (i32.store8 (local.get $q) (local.get $x))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $q (i32.sub (local.get $q) (i32.const 1)))
        (br $again))))
  (func $crc_by_table (param $crc i32) (param $p i32) (param $n i32) (result i32)
    (loop $again
      (local.set $crc
        (i32.xor (i32.shr_u (local.get $crc) (i32.const 8))
                 (i32.load offset=1024
                   (i32.shl (i32.and (i32.xor (local.get $crc) (i32.load8_u (local.get $p)))
                                     (i32.const 0xff))
                            (i32.const 2)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $crc))
  (func $hash_string (param $p i32) (result i32) (local $hash i32) (local $x i32)
    (local.set $hash (i32.const 5381))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.tee $x (i32.load8_u (local.get $p)))))
        (local.set $hash
          (i32.add (i32.mul (local.get $hash) (i32.const 33)) (local.get $x)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $again)))
    (local.get $hash))
  (func $strike_multiples (param $p i32) (param $step i32) (param $end i32)
    (loop $again
      (i32.store8 (local.get $p) (i32.const 0))
      (br_if $again
        (i32.lt_u (local.tee $p (i32.add (local.get $p) (local.get $step))) (local.get $end)))))
  (func $bubble (param $p i32) (param $n i32) (local $x i32) (local $y i32)
    (loop $again
      (local.set $x (i32.load (local.get $p)))
      (local.set $y (i32.load offset=4 (local.get $p)))
      (if (i32.gt_s (local.get $x) (local.get $y))
        (then (i32.store (local.get $p) (local.get $y))
              (i32.store offset=4 (local.get $p) (local.get $x))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $add_matrices (param $a i32) (param $b i32) (param $n i32) (local $i i32) (local $j i32)
    (local $at i32)
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $at
          (i32.shl (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $j)) (i32.const 3)))
        (f64.store (i32.add (local.get $a) (local.get $at))
          (f64.add (f64.load (i32.add (local.get $a) (local.get $at)))
                   (f64.load (i32.add (local.get $b) (local.get $at)))))
        (br_if $columns
          (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
      (br_if $rows
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))
  (func $invariant_division (param $p i32) (param $n i32) (param $x i32) (param $y i32)
    (loop $again
      (i32.store (local.get $p) (i32.div_u (local.get $x) (local.get $y)))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $follow_list (param $p i32) (result i32) (local $n i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $p)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.set $p (i32.load offset=4 (local.get $p)))
        (br $again)))
    (local.get $n))
  (func $mandelbrot (param $cr f64) (param $ci f64) (result i32)
    (local $r f64) (local $i f64) (local $t f64) (local $n i32)
    (block $done
      (loop $again
        (br_if $done
          (f64.gt (f64.add (f64.mul (local.get $r) (local.get $r))
                           (f64.mul (local.get $i) (local.get $i)))
                  (f64.const 4)))
        (local.set $t (f64.add (f64.sub (f64.mul (local.get $r) (local.get $r))
                                        (f64.mul (local.get $i) (local.get $i)))
                               (local.get $cr)))
        (local.set $i (f64.add (f64.mul (f64.mul (f64.const 2) (local.get $r)) (local.get $i))
                               (local.get $ci)))
        (local.set $r (local.get $t))
        (br_if $again
          (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50)))))
    (local.get $n)))
