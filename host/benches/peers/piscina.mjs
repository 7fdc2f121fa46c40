// Piscina: a pool of Node's worker threads; each call is one task, in a fresh WebAssembly instance in the worker,
// with --memory one with a memory that each call writes to.
// The package is looked for beside this file, in NODE_PATH and in the working directory.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { add, memory, report } from './timing.mjs'

/** What a worker runs for each task. */
export default ([a, b, memory]) => add(a, b, memory)

function load (name) {
  for (const base of [import.meta.url, `${process.cwd()}/`]) {
    try {
      const require = createRequire(base)
      const main = require.resolve(name)
      const root = main.slice(0, main.lastIndexOf(name) + name.length)
      return { Piscina: require(main).Piscina, version: JSON.parse(readFileSync(join(root, 'package.json'))).version }
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  console.log(JSON.stringify({ name: 'Piscina, V8 instances', install: 'npm install piscina' }))
  process.exit(3)
}

if (isMainThread) {
  const { Piscina, version } = load('piscina')
  const pool = new Piscina({
    filename: import.meta.url,
    minThreads: 2,
    maxThreads: 2,
    concurrentTasksPerWorker: 64
  })
  await report({
    name: 'Piscina, V8 instances',
    version,
    isolation: 'fresh sandbox',
    async batch (n) {
      const tasks = []
      for (let i = 0; i < n; i++) tasks.push(pool.run([i, 2, memory]))
      return (await Promise.all(tasks)).reduce((total, sum) => total + sum, 0)
    },
    async trip (n) {
      let total = 0
      for (let i = 0; i < n; i++) total += await pool.run([i, 2, memory])
      return total
    },
    batch_n: 20_000,
    trip_n: 5_000
  })
  await pool.destroy()
}
