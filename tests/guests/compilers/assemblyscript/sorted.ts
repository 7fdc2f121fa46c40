// Numbers sorted; strings and a map, which the collector looks after.

export function sorted(): i64 {
  const numbers: i64[] = [];
  for (let i = 0, x: i64 = 1; i < 1000; i++) {
    x = (x * 1103 + 12345) % 1000003;
    numbers.push(x);
  }
  numbers.sort((a, b) => <i32>(a - b));
  let h: i64 = 0;
  for (let i = 0; i < numbers.length; i++) h = (h * 31 + numbers[i]) % 1000003;
  return h;
}

// The length of a JSON text of words and how often they come, made `rounds` times.
export function words(rounds: i32): i32 {
  let length = 0;
  for (let round = 0; round < rounds; round++) {
    const counts = new Map<string, i32>();
    const list = "to be or not to be that is the question".split(" ");
    for (let i = 0; i < list.length; i++) {
      const word = list[i];
      counts.set(word, counts.has(word) ? counts.get(word) + 1 : 1);
    }
    const keys = counts.keys().sort();
    const pairs: string[] = [];
    for (let i = 0; i < keys.length; i++) pairs.push('"' + keys[i] + '":' + counts.get(keys[i]).toString());
    length = ("{" + pairs.join(",") + "}").length;
  }
  return length;
}

export function checked(n: i32): i32 {
  assert(n > 0, "n is not positive");
  return n;
}
