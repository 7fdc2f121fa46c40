(text) => {
  const words = {};
  for (const word of text.toLowerCase().replace(/[^a-z ]/g, "").split(" ").sort()) words[word] = (words[word] ?? 0) + 1;
  let x = 1, h = 0;
  const numbers = [];
  for (let i = 0; i < 1000; i++) numbers.push((x = (x * 1103 + 12345) % 1000003));
  numbers.sort((a, b) => a - b);
  for (const n of numbers) h = (h * 31 + n) % 1000003;
  return { words, sorted: `sorted ${numbers[0]} ${numbers[999]} ${h}` };
}
