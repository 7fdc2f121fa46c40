;; The program around one of p2w's: that is provided, and so is what it prints with, whose memory WASI reads.
(module
  (import "env" "memory" (memory 1))
  (import "p2w" "_start" (func $start (result i32)))
  (export "memory" (memory 0))
  (func (export "_start") (drop (call $start))))
