// A library: functions that are exported, and a runtime that `_initialize` starts.
package main

import "strings"

//go:wasmexport fib
func fib(n int32) int64 {
	if n < 2 {
		return int64(n)
	}
	return fib(n-1) + fib(n-2)
}

//go:wasmexport pipeline
func pipeline(n int32) int32 {
	numbers, lengths := make(chan string), make(chan int32)
	go func() {
		for i := int32(0); i < n; i++ {
			numbers <- strings.Repeat("x", int(i))
		}
		close(numbers)
	}()
	go func() {
		for text := range numbers {
			lengths <- int32(len(text))
		}
		close(lengths)
	}()
	sum := int32(0)
	for x := range lengths {
		sum += x
	}
	return sum
}

func main() {}
