// Piscina: a pool of Node's worker threads; each call is one task, in a fresh WebAssembly instance in the worker.
// The package is looked for beside this file, in NODE_PATH and in the working directory.

import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { ADD, addIn, report } from './timing.mjs'

const module = new WebAssembly.Module(ADD)

/** What a worker runs for each task. */
export default ([a, b]) => addIn(module, a, b)

function load (name) {
  for (const base of [import.meta.url, `${process.cwd()}/`]) {
    try {
      const require = createRequire(base)
      return { ...require(name), version: require(`${name}/package.json`).version }
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
      for (let i = 0; i < n; i++) tasks.push(pool.run([i, 2]))
      return (await Promise.all(tasks)).reduce((total, sum) => total + sum, 0)
    },
    async trip (n) {
      let total = 0
      for (let i = 0; i < n; i++) total += await pool.run([i, 2])
      return total
    },
    batch_n: 20_000,
    trip_n: 5_000
  })
  await pool.destroy()
}
