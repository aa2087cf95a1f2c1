(module $forms
  (@custom "first" (before first) "\00\ff")
  (type $nothing (func))
  (type (func (param i32 i64 f32 f64 v128) (result funcref externref)))
  (type $many (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (rec)
  (rec
    (type $list (sub (struct (field $next (ref null $list)) (field $value (mut i32)))))
    (type $longer (sub final $list (struct (field $next (ref null $list)) (field $value (mut i32)) (field i8) (field (mut i16)))))
  )
  (type $bytes (array (mut i8)))
  (type $"any name" (sub (array (ref $bytes))))
  (type $open (sub (func (param (ref eq) anyref structref arrayref i31ref nullref nullfuncref nullexternref exnref nullexnref))))
  (type $payload (func (param i32)))
  (type $caught (func (result i32)))
  (@custom "types" (after type) "")
  (import "env" "f" (func $imported (type $payload) (param $x i32)))
  (import "env" "t" (table $its_table 1 2 funcref))
  (import "env" "m" (memory $its_memory 1))
  (import "env" "g" (global $its_global (mut i64)))
  (import "env" "e" (tag $its_tag (type $payload) (param i32)))
  (table $table 3 funcref)
  (table 1 4 (ref func) (ref.func $imported))
  (table $wide i64 0 externref)
  (memory $memory 1 2)
  (memory $wide i64 1)
  (memory 1 1 shared)
  (memory 0 (pagesize 1))
  (tag $tag (type $payload) (param i32))
  (global $zero i32 (i32.const 0))
  (global (mut f32) (f32.const -0.1875))
  (global $sum i64 i64.const 1 i64.const 2 i64.add)
  (global $list (ref $list) ref.null $list i32.const 3 struct.new $list)
  (export "f" (func $imported))
  (export "a \"quoted\" name" (memory $memory))
  (export "t" (table 2))
  (export "g" (global $sum))
  (export "e" (tag $tag))
  (start $main)
  (elem $active (i32.const 0) func $imported $main)
  (elem (table 2) (offset i32.const 0 global.get $zero i32.add) func $imported)
  (elem $passive func $main)
  (elem declare func $main)
  (elem (i32.const 0) funcref (ref.func $main) (ref.null func))
  (elem (table $table) (i32.const 0) (ref null $nothing) (ref.null $nothing))
  (elem $lists (ref $list) (global.get $list) (item ref.null $list i32.const 1 struct.new $list))
  (elem declare (ref func))
  (func $main (type $nothing)
    (local $x i32) (local i32 i64) (local $y (ref null $list))
    block $out
      loop $out
        local.get $x
        (@metadata.code.branch_hint "\00") br_if 1
        local.get 1
        (@metadata.code.branch_hint "\01") if (result i32)
          i32.const 1
        else
          br $out
        end
        local.set $x
      end
      br $out
    end
    local.get $y
    struct.get $list $value
    drop
    block $caught (type $caught)
      try_table $body (catch $tag $caught) (catch $its_tag $caught)
        i32.const 1
        throw $tag
      end
      unreachable
    end
    drop
    i32.const 0
    i32.load $memory offset=8 align=1
    drop
    data.drop $data
    elem.drop $passive
  )
  (func (@name "") (type $nothing)
  )
  (func $main#3 (@name "main") (type $many) (param i32) (param $sixth i32) (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    nop
  )
  (data $data "passive")
  (data (i32.const 8)
    "\00\01\"\\\0a\fféé, longer than what stands on one line of the printed t"
    "ext, by some"
  )
  (data (memory $memory) (global.get $zero) "")
  (@custom "producers" (after data) "\01")
  (@custom "last" (after last) "\02")
)
