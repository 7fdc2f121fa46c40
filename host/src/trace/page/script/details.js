// All that is known of the selected call.

/** Shows a call, or what to do to see one. `onSelect` is called with a call whose name is clicked on. */
function showCall(trace, call, colours, onSelect) {
  const panel = byId("call");
  panel.scrollTop = 0;
  if (call < 0) {
    panel.replaceChildren(make("p", "empty", "Select a call in the timeline or in the tree."));
    return;
  }
  const link = (to, text = callText(trace, to)) => {
    const button = make("button", "link value", text);
    button.type = "button";
    button.addEventListener("click", () => onSelect(to));
    return button;
  };
  const dot = make("span", "dot");
  dot.style.background = colours.functions[trace.function[call]];
  panel.replaceChildren(
    pathOf(trace, call, link),
    make("h2", "", dot, nameOf(trace, call)),
    ...outcomePart(trace, call),
    ...argumentsPart(trace, call, link),
    ...outputPart(trace, call),
    ...timesPart(trace, call),
    ...fuelPart(trace, call),
    ...originPart(trace, call, link),
    ...listPart("Forks", countChildren(trace, call), forkRows(trace, call, link)),
    ...listPart("Waits", trace.waits.first[call + 1] - trace.waits.first[call], waitRows(trace, call, link)),
  );
}

/** A call, short enough for a line. */
function callText(trace, call) {
  const args = argsOf(trace, call).map((arg) => arg.text).join(", ");
  return `${nameOf(trace, call)}(${shortened(args, 40)})`;
}

/** The calls above it; of many, the first and the last. */
function pathOf(trace, call, link) {
  const path = pathTo(trace, call).slice(0, -1);
  const shown = path.length > 8 ? [...path.slice(0, 3), null, ...path.slice(-4)] : path;
  const parts = shown.flatMap((at) => [at === null ? `… ${path.length - 7} more …` : link(at, nameOf(trace, at)), " › "]);
  return make("p", "path", ...(parts.length ? parts : ["forked by the host"]));
}

function outcomePart(trace, call) {
  const text = trace.texts[trace.result[call]];
  if (trace.state[call] === 1) {
    const [kind, ...rest] = text.split("\n");
    return [title("Error"), make("div", "error", make("b", "", kind), `\n${rest.join("\n")}`)];
  }
  const types = trace.functions[trace.function[call]].results.join(", ");
  const value = trace.state[call] === 0 ? make("span", "value", text) : make("span", "note", outcomeOf(trace, call));
  return [title("Result"), table([["value", value, make("span", "type", types)]])];
}

function argumentsPart(trace, call, link) {
  const { params, types } = trace.functions[trace.function[call]];
  const args = argsOf(trace, call);
  if (!params.length && !args.length) return [];
  const rows = args.map((arg, at) => {
    const value = make("span", "value", arg.text);
    if (arg.from >= 0) value.append(make("span", "note", "  from the future of "), link(arg.from));
    return [params[at] ?? `${at + 1}`, value, make("span", "type", types[at] ?? "")];
  });
  const missing = params.slice(args.length).map((name, at) => [name, make("span", "note", "not known"), make("span", "type", types[args.length + at])]);
  return [title("Arguments"), table([...rows, ...missing])];
}

function outputPart(trace, call) {
  const [stdout, stderr, refused] = trace.outputs.get(call) ?? [-1, -1, -1];
  const part = (name, text) => (text < 0 ? [] : [title(name), make("pre", "written", trace.texts[text])]);
  return [...part("Written to stdout", stdout), ...part("Written to stderr", stderr), ...part("Not given", refused)];
}

function timesPart(trace, call) {
  const since = (time) => make("span", "note", `+${timeText(time - trace.forked[call])}`);
  const at = (time) => exactTime(time - trace.begin);
  const spans = spansOf(trace, call);
  const end = trace.done[call] >= 0 ? trace.done[call] : trace.cancelled[call];
  const ran = spans.reduce((sum, span) => sum + span.to - span.from, 0);
  const workers = [...new Set(spans.map((span) => workerText(span.worker)))];
  const rows = [["forked", at(trace.forked[call]), `by ${trace.forkedOn[call] < 0 ? "another thread" : `worker ${trace.forkedOn[call]}`}`]];
  if (trace.started[call] >= 0) rows.push(["started", at(trace.started[call]), since(trace.started[call])]);
  if (trace.cancelled[call] >= 0) rows.push(["cancelled", at(trace.cancelled[call]), since(trace.cancelled[call])]);
  if (trace.done[call] >= 0) rows.push(["ended", at(trace.done[call]), since(trace.done[call])]);
  if (spans.length) rows.push(["ran", timeText(ran), spans.length > 1 ? `in ${spans.length} parts` : ""]);
  if (spans.length && end >= 0) rows.push(["suspended", timeText(Math.max(0, end - spans[0].from - ran)), ""]);
  if (spans.length) rows.push([workers.length > 1 ? "workers" : "worker", shortened(workers.join(", "), 60), ""]);
  return [title("Times"), table(rows)];
}

function fuelPart(trace, call) {
  const rows = [["own", WHOLE.format(trace.fuel[call]), ""]];
  if (trace.size[call] > 1) rows.push(["with all below", WHOLE.format(trace.whole[call]), counted(trace.size[call] - 1, "call")]);
  return [title("Fuel"), table(rows)];
}

function originPart(trace, call, link) {
  const { module } = trace.functions[trace.function[call]];
  const parent = trace.parent[call];
  const rows = [];
  if (parent >= 0) {
    const after = trace.forkedAfter[call] >= 0 ? `after ${WHOLE.format(trace.forkedAfter[call])} of its fuel` : "";
    rows.push(["forked by", link(parent), after], ["as its fork", `${trace.number[call]}`, ""]);
  } else {
    rows.push(["forked by", "the host", ""]);
    if (trace.site[call] >= 0) rows.push(["at", make("span", "site", trace.texts[trace.site[call]]), ""]);
  }
  rows.push(["call", `${call}`, "in this trace"], ["module", make("span", "value", shortened(module, 16)), ""]);
  return [title("Origin"), table(rows)];
}

function forkRows(trace, call, link) {
  return [...childrenOf(trace, call)].map((child) => {
    const outcome = make("span", trace.state[child] === 1 ? "error-text" : "note value", shortened(outcomeOf(trace, child), 60));
    return [`${trace.number[child]}`, link(child), outcome];
  });
}

function waitRows(trace, call, link) {
  return waitsOf(trace, call).map((wait, at) => [`${at + 1}`, link(wait.call), `after ${WHOLE.format(wait.after)} fuel`]);
}

/** A list that may be long: its beginning, and how many more there are. */
function listPart(name, count, rows) {
  if (!count) return [];
  const more = count > rows.length ? [make("p", "note", `and ${WHOLE.format(count - rows.length)} more`)] : [];
  return [title(`${name} (${WHOLE.format(count)})`), table(rows), ...more];
}

function title(text) {
  return make("h3", "", text);
}

/** A table of a name, a value, and a note. */
function table(rows) {
  return make("table", "", ...rows.map(([name, value, note]) => {
    const head = make("th", "", name);
    head.scope = "row";
    const cells = [make("td", "", value), make("td", "note", note)];
    return make("tr", "", head, ...cells);
  }));
}
