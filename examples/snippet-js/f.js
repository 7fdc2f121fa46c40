(input) => {
  if (input.n < 0) throw new RangeError("n is negative");
  return Array.from({ length: input.n }, (_, k) => k * k);
}
