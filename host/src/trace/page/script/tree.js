// The tree of forks: a list of which only the rows that are seen are elements.

const LINE = 26;
/** Browsers do not make elements of any height: beyond this the bar scrolls by more than it moves. */
const TALLEST = 8e6;
/** How much of the width may be indentation. What is seen is moved to the left so that it suffices. */
const INDENTED = 0.4;

/** A tree in which everything is open. `onSelect` is called with a call, and how it is to be shown. */
function newTree(trace, onSelect) {
  const tree = { trace, onSelect, closed: new Uint8Array(trace.calls), shown: trace.order, selected: -1, hits: null, pool: [] };
  tree.element = byId("tree");
  tree.element.addEventListener("scroll", () => requestAnimationFrame(() => drawTree(tree)));
  tree.element.addEventListener("click", (event) => clickOnTree(tree, event));
  tree.element.addEventListener("dblclick", () => tree.selected >= 0 && onSelect(tree.selected, "zoom"));
  tree.element.addEventListener("keydown", (event) => keyOnTree(tree, event));
  return tree;
}

/** Finds out anew which calls are below none that is closed. */
function listTree(tree) {
  const { order, size, calls } = tree.trace;
  const shown = new Int32Array(calls);
  let count = 0;
  for (let place = 0; place < calls; ) {
    const call = order[place];
    shown[count++] = call;
    place += tree.closed[call] ? size[call] : 1;
  }
  tree.shown = shown.subarray(0, count);
  drawTree(tree);
}

/** The number of a call among those that are shown; -1 if it is not. */
function lineOf(tree, call) {
  // They have the order of their places.
  const { place } = tree.trace;
  let [low, high] = [0, tree.shown.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (place[tree.shown[middle]] < place[call]) low = middle + 1;
    else high = middle;
  }
  return tree.shown[low] === call ? low : -1;
}

function measureTree(tree) {
  const whole = tree.shown.length * LINE;
  const tall = Math.min(whole, TALLEST);
  const seen = tree.element.clientHeight;
  // How many pixels of rows a pixel of the bar is.
  const ratio = whole > tall ? (whole - seen) / (tall - seen) : 1;
  return { tall, seen, ratio };
}

function drawTree(tree) {
  const { tall, seen, ratio } = measureTree(tree);
  byId("space").style.height = `${tall}px`;
  const scrolled = tree.element.scrollTop;
  const offset = scrolled * ratio;
  const first = Math.max(0, Math.floor(offset / LINE));
  const count = Math.min(Math.ceil(seen / LINE) + 1, tree.shown.length - first);
  const rows = byId("rows");
  rows.style.transform = `translateY(${scrolled - (offset - first * LINE)}px)`;
  while (tree.pool.length < count) tree.pool.push(newRow(rows));
  tree.indent = indentation(tree, tree.shown.subarray(first, first + count));
  tree.pool.forEach((row, number) => {
    row.element.hidden = number >= count;
    if (number < count) fillRow(tree, row, first + number);
  });
  const active = tree.pool.find((row) => row.call === tree.selected && !row.element.hidden);
  if (active) tree.element.setAttribute("aria-activedescendant", active.element.id);
  else tree.element.removeAttribute("aria-activedescendant");
}

/** How far the calls that are seen are indented: by what steps, from what depth, and to what number of steps. */
function indentation(tree, seen) {
  const width = tree.element.clientWidth;
  const step = width < 600 ? 8 : 14;
  const most = Math.max(4, Math.floor((width * INDENTED) / step));
  const depths = Array.from(seen, (call) => tree.trace.depth[call]);
  // As long as all fits, nothing moves.
  const base = Math.max(...depths) <= most ? 0 : Math.min(...depths);
  return { base, step, most };
}

function newRow(rows) {
  const parts = {};
  for (const name of ["depth", "twist", "dot", "name", "args", "outcome"]) parts[name] = make("span", name);
  const [time, fuel, worker] = [make("span"), make("span"), make("span")];
  const what = make("span", "what", ...Object.values(parts));
  const element = make("div", "row", what, time, fuel, worker);
  element.setAttribute("role", "treeitem");
  element.id = `row-${rows.children.length}`;
  rows.append(element);
  return { ...parts, element, time, fuel, worker, call: -1 };
}

function fillRow(tree, row, line) {
  const { trace } = tree;
  const call = tree.shown[line];
  const parents = countChildren(trace, call) > 0;
  row.call = call;
  row.element.dataset.call = call;
  row.element.className = "row";
  row.element.classList.toggle("failed", trace.state[call] === 1);
  row.element.classList.toggle("below", trace.state[call] !== 1 && trace.below[call] === 1);
  row.element.classList.toggle("hit", tree.hits?.calls[call] === 1);
  row.element.setAttribute("aria-level", trace.depth[call] + 1);
  row.element.setAttribute("aria-selected", call === tree.selected);
  if (parents) row.element.setAttribute("aria-expanded", !tree.closed[call]);
  else row.element.removeAttribute("aria-expanded");
  const { base, step, most } = tree.indent;
  row.depth.hidden = base === 0;
  row.depth.textContent = trace.depth[call];
  row.twist.style.marginLeft = `${Math.min(trace.depth[call] - base, most) * step}px`;
  row.twist.textContent = parents ? (tree.closed[call] ? "▸" : "▾") : "";
  row.dot.style.background = tree.colours.functions[trace.function[call]];
  row.name.textContent = nameOf(trace, call);
  row.args.textContent = `(${argsOf(trace, call).map((arg) => arg.text).join(", ")})`;
  row.outcome.textContent = `${trace.state[call] === 1 ? "✕" : "→"} ${outcomeOf(trace, call)}`;
  const time = timeOf(trace, call);
  row.time.textContent = time === null ? "" : timeText(time);
  row.fuel.textContent = WHOLE.format(trace.fuel[call]);
  const first = trace.spans.first[call];
  const started = first < trace.spans.first[call + 1];
  row.worker.textContent = started ? workerText(trace.lanes[trace.rows[trace.spans.row[first]].lane].worker) : "–";
}

/** Selects a call in the tree: opens what it is in, and scrolls to it. */
function revealInTree(tree, call) {
  tree.selected = call;
  let opened = false;
  for (let at = call < 0 ? -1 : tree.trace.parent[call]; at >= 0; at = tree.trace.parent[at]) {
    opened ||= tree.closed[at] === 1;
    tree.closed[at] = 0;
  }
  if (opened) listTree(tree);
  const line = call < 0 ? -1 : lineOf(tree, call);
  if (line >= 0) scrollToLine(tree, line);
  drawTree(tree);
}

function scrollToLine(tree, line) {
  const { tall, seen, ratio } = measureTree(tree);
  byId("space").style.height = `${tall}px`;
  const [top, offset] = [line * LINE, tree.element.scrollTop * ratio];
  if (top < offset) tree.element.scrollTop = (top - LINE) / ratio;
  else if (top + LINE > offset + seen) tree.element.scrollTop = (top + 2 * LINE - seen) / ratio;
}

function clickOnTree(tree, event) {
  const row = event.target.closest(".row");
  if (!row) return;
  const call = Number(row.dataset.call);
  if (event.target.closest(".twist")) toggle(tree, call);
  else tree.onSelect(call, "show");
}

function toggle(tree, call) {
  tree.closed[call] ^= 1;
  listTree(tree);
}

/** Opens or closes a call and all below it. */
function toggleAll(tree, call) {
  const { order, place, size } = tree.trace;
  const to = tree.closed[call] ? 0 : 1;
  for (let at = place[call]; at < place[call] + size[call]; at++) tree.closed[order[at]] = to;
  listTree(tree);
}

function keyOnTree(tree, event) {
  const { trace, selected: call } = tree;
  const line = call < 0 ? -1 : lineOf(tree, call);
  const page = Math.max(1, Math.floor(tree.element.clientHeight / LINE) - 1);
  const go = (to) => tree.shown.length && tree.onSelect(tree.shown[Math.max(0, Math.min(to, tree.shown.length - 1))], "show");
  const parents = call >= 0 && countChildren(trace, call) > 0;
  const actions = {
    ArrowDown: () => go(line + 1),
    ArrowUp: () => go(line - 1),
    PageDown: () => go(line + page),
    PageUp: () => go(line - page),
    Home: () => go(0),
    End: () => go(tree.shown.length - 1),
    ArrowRight: () => parents && (tree.closed[call] ? toggle(tree, call) : go(line + 1)),
    ArrowLeft: () => (parents && !tree.closed[call] ? toggle(tree, call) : call >= 0 && trace.parent[call] >= 0 && tree.onSelect(trace.parent[call], "show")),
    "*": () => call >= 0 && toggleAll(tree, call),
  };
  const action = !event.ctrlKey && !event.metaKey && !event.altKey && actions[event.key];
  if (!action) return;
  action();
  event.preventDefault();
  event.stopPropagation();
}
