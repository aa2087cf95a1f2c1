;; Prints a line, or exits with the number of its arguments when it has any.
(module $hello
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "hello from the guest\n")
  (func (export "_start")
    (i32.store (i32.const 40) (i32.const 8))
    (i32.store (i32.const 44) (i32.const 21))
    (drop (call $fd_write (i32.const 1) (i32.const 40) (i32.const 1) (i32.const 48)))
    (drop (call $args_sizes_get (i32.const 52) (i32.const 56)))
    (if (i32.gt_u (i32.load (i32.const 52)) (i32.const 1))
      (then (call $proc_exit (i32.sub (i32.load (i32.const 52)) (i32.const 1)))))))
