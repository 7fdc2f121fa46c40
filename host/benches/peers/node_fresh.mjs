// V8 through Node, without a pool: a fresh instance of a compiled module for each call, on the caller's thread.

import { ADD, addIn, report } from './timing.mjs'

const module = new WebAssembly.Module(ADD)

function calls (n) {
  let total = 0
  for (let i = 0; i < n; i++) total += addIn(module, i, 2)
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
