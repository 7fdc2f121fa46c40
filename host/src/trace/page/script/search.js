// The search: in names of functions, in values, in errors, and in what was written.

/** The calls whose name, an argument, result or output holds the text, in the order of the tree; none for an empty text. */
function find(trace, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return null;
  const holds = (shown) => (shown.toLowerCase().includes(wanted) ? 1 : 0);
  const functions = Uint8Array.from(trace.functions, ({ name }) => holds(name));
  const texts = Uint8Array.from(trace.texts, holds);
  const calls = new Uint8Array(trace.calls);
  const { first, text: args } = trace.args;
  for (let call = 0; call < trace.calls; call++) {
    let hit = functions[trace.function[call]] || (trace.result[call] >= 0 && texts[trace.result[call]]);
    for (let at = first[call]; !hit && at < first[call + 1]; at++) hit = texts[args[at]];
    calls[call] = hit ? 1 : 0;
  }
  for (const [call, outputs] of trace.outputs) if (outputs.some((output) => output >= 0 && texts[output])) calls[call] = 1;
  const rows = trace.rows.map((row) => running(row.task.length, (at) => calls[row.task[at]] === 1));
  return { calls, rows, list: trace.order.filter((call) => calls[call] === 1) };
}

/** The one of some calls, in the order of the tree, that follows a call, or goes before it; after the last comes the first. */
function following(trace, list, call, back) {
  if (!list.length) return -1;
  const at = call < 0 ? -1 : trace.place[call];
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trace.place[list[middle]] < at) low = middle + 1;
    else high = middle;
  }
  if (back) return list[(low - 1 + list.length) % list.length];
  return list[(list[low] === call ? low + 1 : low) % list.length];
}
