// V8 through Node, without a pool: a fresh instance of a compiled module for each call, on the caller's thread.
// With --memory, of a module with a memory that each call writes to.

import { add, memory, report } from './timing.mjs'

function calls (n) {
  let total = 0
  for (let i = 0; i < n; i++) total += add(i, 2, memory)
  return total
}

await report({
  name: 'Node, V8 instances',
  version: process.versions.node,
  isolation: 'fresh sandbox',
  batch: calls,
  trip: calls,
  batch_n: 20_000,
  trip_n: 10_000
})
