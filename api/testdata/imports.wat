(module $imports
  (import "env" "memory" (memory 2))
  (import "env" "global" (global (mut i64)))
  (import "env" "table" (table 1 funcref))
  (func (export "get") (result i64) (global.get 0)))
