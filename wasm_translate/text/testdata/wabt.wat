;; What wat2wasm 1.0.32 reads, in all the ways to write it.
(module $wabt
  (type $unary (func (param $x i32) (result i32)))
  (type (func (param i32 i32) (result i64)))
  (type $none (func))

  (import "env" "f" (func $imported (type $unary)))
  (import "env" "g" (func (param $name i64) (param f32 f64)))
  (func $in_place (import "env" "h") (result i32 i32))
  (import "env" "t" (table $it 1 10 funcref))
  (table $it2 (import "env" "t2") 0 externref)
  (import "env" "m" (memory $im 1 2 shared))
  (import "env" "x" (global $ix (mut i32)))
  (import "env" "c" (global $ic i32))
  (global $iy (import "env" "y") v128)
  (import "env" "tag" (tag $itag (param i32)))

  (table $t (export "table") 3 funcref)
  (table funcref (elem $imported $local 0))
  (memory $m (export "memory") (export "memory2") 1 65536)
  (memory (data "in" " place" "\00\ff\t\n\r\"\'\\\u{1f600}"))
  (memory i64 1 0x1_0000)
  (global $g (export "g") i32 (i32.const -1))
  (global (mut i64) i64.const 0x7fff_ffff_ffff_ffff)
  (global f32 (f32.const 0x1.8p-3))
  (global f64 (f64.const 1e308))
  (global externref (ref.null extern))
  (global funcref (ref.func $local))
  (global v128 (v128.const f32x4 1 -0 inf nan:0x200000))
  (global i32 (i32.add (i32.const 1) (global.get $ic)))
  (tag $tag (export "tag") (param i32 i64))

  (export "f" (func $local))
  (export "im" (memory $im))
  (start $start)

  (elem $passive func $local $imported)
  (elem declare func $start)
  (elem (i32.const 0) $local)
  (elem (offset (i32.const 1)) func $local $start)
  (elem (table $t) (i32.const 1) func $local)
  (elem funcref (ref.func $local) (item ref.null func))
  (elem (table $t) (offset global.get $ic) funcref (item (ref.func $local)) (ref.null func))
  (data $d0 "passive")
  (data (i32.const 0) "active" "")
  (data (memory $m) (offset (i32.const 8)) "\u{e9}\41")

  (func $start)
  (func $local (export "local") (type $unary) (param $p i32) (result i32)
    (local $a i32) (local i32 i32 f64) (local $b f64) (local funcref)
    block $out
      loop $again
        local.get $p
        br_if $out
        (br_if $again (i32.eqz (local.get $a)))
        (br_table $out $again 0 (i32.const 1))
      end $again
    end
    (if $c (i32.const 1) (then (br $c)) (else (nop) (br 0)))
    (if (result i32) (local.get $p)
      (then (i32.const 1))
      (else (i32.const 2)))
    drop
    i32.const 3 if $d (result i64) i64.const 1 else $d i64.const 2 end $d
    drop
    (drop (block (result f32) (f32.const 1.5)))
    (i32.const 1) (i32.const 2)
    (block (param i32 i32) (result i64) (drop) (drop) (i64.const 0))
    drop
    (drop (call_indirect (type $unary) (i32.const 1) (i32.const 0)))
    (drop (call_indirect $t (param i32) (result i32) (i32.const 1) (i32.const 0)))
    (call_indirect $t (param f32 f32) (f32.const 1) (f32.const 2) (i32.const 0))
    (i32.store offset=4 align=2 (i32.const 0) (i32.load8_u offset=0xff (i32.const 1)))
    (drop (v128.load8_lane offset=1 align=1 3 (i32.const 0) (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (global.get $iy) (v128.const i64x2 1 2)))
    (drop (i16x8.extract_lane_s 7 (global.get $iy)))
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
    (memory.init $d0 (i32.const 0) (i32.const 1) (i32.const 2))
    (table.init $t $passive (i32.const 0) (i32.const 1) (i32.const 2))
    (table.copy $t $it (i32.const 0) (i32.const 1) (i32.const 2))
    data.drop $d0
    elem.drop $passive
    (drop (table.grow $t (ref.null func) (i32.const 1)))
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)))
    (drop (select (i32.const 1) (i32.const 2) (i32.const 3)))
    (drop (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 1) (i32.const 2)))
    (atomic.fence)
    (drop (f64.const -nan)) (drop (f64.const 0x1.fffffffffffffp+1023))
    (drop (f32.const 1e-45)) (drop (f32.const 340282356779733661637539395458142568447))
    (throw $tag (i32.const 1) (i64.const 2))
  )
  (func (param i32) (param $q i32) (result i64) (local $r i64)
    (return_call $tail (local.get $q)))
  (func $tail (param i32) (result i64) (i64.extend_i32_u (local.get 0)))
)
