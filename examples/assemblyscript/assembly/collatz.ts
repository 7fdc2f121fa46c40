// Which number's Collatz chain is the longest? n is followed by n / 2 if it is even, by 3n + 1 if it is odd.

// `fork` takes the parameters of the export `longest` and gives a future, a number; `wait` takes that and gives the result.
@external("fork", "longest")
declare function forkLongest(from: u32, to: u32): i32;
@external("wait", "longest")
declare function waitLongest(future: i32): u32;

/** Ranges up to this size are searched in place: a fork should cost little beside what it does. */
const SMALL: u32 = 10000;

/** How many steps it takes from `n` to 1. */
export function steps(n: u64): u32 {
  let count: u32 = 0;
  while (n > 1) {
    n = n & 1 ? 3 * n + 1 : n >> 1;
    count++;
  }
  return count;
}

/** The first of `from .. to`, `to` excluded, with the longest chain; `from` must be less than `to`. */
export function longest(from: u32, to: u32): u32 {
  if (from >= to) unreachable();
  if (to - from > SMALL) {
    const middle = from + (to - from) / 2;
    const left = forkLongest(from, middle);
    const right = forkLongest(middle, to);
    const first = waitLongest(left);
    const second = waitLongest(right);
    return steps(second) > steps(first) ? second : first;
  }
  let best = from;
  let most = steps(from);
  for (let n = from + 1; n < to; n++) {
    const count = steps(n);
    if (count > most) {
      best = n;
      most = count;
    }
  }
  return best;
}
