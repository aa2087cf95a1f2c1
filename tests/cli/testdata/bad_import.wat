(module (import "nowhere" "f" (func)) (import "nowhere" "g" (global i32)) (func (export "_start")))
