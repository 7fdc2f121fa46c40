// Words counted as JSON, numbers sorted: a program, by the shim of WASI.
console.log("hello from AssemblyScript");
const counts = new Map<string, i32>();
const list = "to be or not to be that is the question".split(" ");
for (let i = 0; i < list.length; i++) counts.set(list[i], counts.has(list[i]) ? counts.get(list[i]) + 1 : 1);
const keys = counts.keys().sort();
const pairs: string[] = [];
for (let i = 0; i < keys.length; i++) pairs.push('"' + keys[i] + '":' + counts.get(keys[i]).toString());
console.log("{" + pairs.join(",") + "}");
const numbers: i64[] = [];
for (let i = 0, x: i64 = 1; i < 1000; i++) {
  x = (x * 1103 + 12345) % 1000003;
  numbers.push(x);
}
numbers.sort((a, b) => <i32>(a - b));
let h: i64 = 0;
for (let i = 0; i < numbers.length; i++) h = (h * 31 + numbers[i]) % 1000003;
console.log("sorted " + numbers[0].toString() + " " + numbers[999].toString() + " " + h.toString());
