;; Uses an export of a preloaded module.
(module $user
  (import "math" "add" (func $add (param i32 i32) (result i32)))
  (func (export "twice") (param i32) (result i32) (call $add (local.get 0) (local.get 0))))
