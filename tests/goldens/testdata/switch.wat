;; br_table of many kinds.
(module
  (memory 1)
  (func $two_ways (param i32) (result i32)
    (block $b (block $a (br_table $a $b (local.get 0))) (return (i32.const 10)))
    (i32.const 20))
  (func $three_ways (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $c (local.get 0))) (return (i32.const 10)))
      (return (i32.const 20)))
    (i32.const 30))
  (func $dense (param i32) (result i32)
    (block $d (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $d (local.get 0)))
      (return (i32.const 17))) (return (i32.const 4))) (return (i32.const 99)))
      (return (i32.const 23))) (return (i32.const 8)))
    (i32.const -1))
  (func $offset_cases (param i32) (result i32)
    (block $d (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $d (i32.sub (local.get 0) (i32.const 97))))
      (return (i32.const 5))) (return (i32.const 6))) (return (i32.const 70)))
      (return (i32.const 8)))
    (i32.const 0))
  (func $membership (param i32) (result i32)
    ;; 1 for 0, 2, 4, 5, 9.
    (block $no (block $yes
      (br_table $yes $no $yes $no $yes $yes $no $no $no $yes $no (local.get 0)))
      (return (i32.const 1)))
    (i32.const 0))
  (func $runs (param i32) (result i32)
    ;; 0..3, 4..7, others.
    (block $c (block $b (block $a
      (br_table $a $a $a $a $b $b $b $b $c (local.get 0)))
      (return (i32.const 1))) (return (i32.const 2)))
    (i32.const 3))
  (func $one_of_many (param i32) (result i32)
    (block $other (block $it
      (br_table $other $other $other $other $other $it $other (local.get 0)))
      (return (i32.const 1)))
    (i32.const 0))
  (func $constant_index (result i32)
    (block $b (block $a (br_table $a $b $a (i32.const 1))) (return (i32.const 1)))
    (i32.const 2))
  (func $masked_index (param i32) (result i32)
    (block $d (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $d (i32.and (local.get 0) (i32.const 3))))
      (return (i32.const 31))) (return (i32.const 41))) (return (i32.const 59)))
      (return (i32.const 26)))
    (unreachable))
  (func $with_value (param i32 i32) (result i32)
    (block $b (result i32)
      (i32.add
        (block $a (result i32)
          (br_table $a $b $a (local.get 1) (local.get 0)))
        (i32.const 100))))
  (func $fall_through (param i32) (result i32) (local i32)
    (block $d (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $d (local.get 0)))
      (local.set 1 (i32.const 1)))
      (local.set 1 (i32.add (local.get 1) (i32.const 10))))
      (local.set 1 (i32.mul (local.get 1) (i32.const 7))))
    (local.get 1))
  (func $from_byte (param i32) (result i32)
    (block $d (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $d (i32.sub (i32.load8_u (local.get 0)) (i32.const 48))))
      (return (i32.const 3))) (return (i32.const 5))) (return (i32.const 7)))
    (i32.const 0))
  ;; A machine of four instructions: push, add, multiply, halt.
  (func $interpreter (param $pc i32) (param $sp i32) (result i32) (local $x i32)
    (loop $next
      (local.set $x (i32.load8_u (local.get $pc)))
      (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
      (block $halt (block $multiply (block $add (block $push
        (br_table $push $add $multiply $halt (local.get $x)))
        ;; push
        (local.set $sp (i32.sub (local.get $sp) (i32.const 4)))
        (i32.store (local.get $sp) (i32.load8_u (local.get $pc)))
        (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
        (br $next))
        ;; add
        (i32.store offset=4 (local.get $sp)
          (i32.add (i32.load offset=4 (local.get $sp)) (i32.load (local.get $sp))))
        (local.set $sp (i32.add (local.get $sp) (i32.const 4)))
        (br $next))
        ;; multiply
        (i32.store offset=4 (local.get $sp)
          (i32.mul (i32.load offset=4 (local.get $sp)) (i32.load (local.get $sp))))
        (local.set $sp (i32.add (local.get $sp) (i32.const 4)))
        (br $next)))
    (i32.load (local.get $sp)))
  ;; Where the next state is known, the jump goes there.
  (func $state_machine (param $p i32) (result i32) (local $state i32) (local $n i32)
    (loop $next
      (block $done (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $done (local.get $state)))
        (local.set $state
          (select (i32.const 1) (i32.const 3) (i32.load8_u (local.get $p))))
        (br $next))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.set $state (i32.const 2))
        (br $next))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $state (i32.const 0))
        (br $next)))
    (local.get $n))
  (func $chain_of_comparisons (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 3)) (then (return (i32.const 1))))
    (if (i32.eq (local.get 0) (i32.const 1000)) (then (return (i32.const 2))))
    (if (i32.eq (local.get 0) (i32.const 70000)) (then (return (i32.const 3))))
    (i32.const 0)))
