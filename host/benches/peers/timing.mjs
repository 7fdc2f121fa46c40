// What the scripts for Node share; as timing.py does it.

/** The module that purefork's own batch uses, as bytes: an exported `add` of two i32. */
const ADD = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f,
  3, 2, 1, 0,
  7, 7, 1, 3, 0x61, 0x64, 0x64, 0, 0,
  10, 9, 1, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b,
])

/** The same with a memory, which each call writes to. */
const ADD_IN_MEMORY = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f,
  3, 2, 1, 0,
  5, 3, 1, 0, 1,
  7, 7, 1, 3, 0x61, 0x64, 0x64, 0, 0,
  10, 21, 1, 19, 0, 0x41, 0x80, 8, 0x20, 0, 0x36, 2, 0, 0x41, 0x80, 8, 0x28, 2, 0, 0x20, 1, 0x6a, 0x0b,
])

/** Whether the script was started with --memory. */
export const memory = process.argv.includes('--memory')

const [plain, inMemory] = [ADD, ADD_IN_MEMORY].map(bytes => new WebAssembly.Module(bytes))

/** Calls `add` in a fresh instance of a compiled module, which has a memory or none. */
export const add = (a, b, memory) => new WebAssembly.Instance(memory ? inMemory : plain).exports.add(a, b)

async function micros (f, n, rounds) {
  const samples = []
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    const total = await f(n)
    samples.push((performance.now() - start) / n * 1e3)
    if (total !== n * (n - 1) / 2 + 2 * n) throw new Error(`wrong sum of ${n} calls: ${total}`)
  }
  const sorted = samples.slice(1).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** Measures and prints a peer; `batch` and `trip` take n and return the sum of add(i, 2) for i below n. */
export async function report ({ name, batch, trip, batch_n, trip_n, ...peer }) {
  if (memory) name += ', with a memory'
  const batch_us = await micros(batch, batch_n, 5)
  const trip_us = await micros(trip, trip_n, 5)
  console.log(JSON.stringify({ name, ...peer, memory, batch_n, batch_us, trip_n, trip_us }))
}
