// What is selected, hovered over and found; and what keys, mouse and buttons do about it.

const trace = readTrace(JSON.parse(byId("data").textContent));
const view = newView(trace);
const state = { selected: -1, hovered: -1, hits: null, marking: null };
const chart = byId("chart");
const overview = byId("overview");
const overviewCache = {};
const failures = trace.order.filter((call) => trace.state[call] === 1);
let colours = readColours(trace.functions);
const tree = newTree(trace, select);
tree.colours = colours;

let drawing = 0;
/** Draws the timeline once before the next frame, however often it was asked for. */
function redraw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    drawTimeline(chart, trace, view, colours, state);
    drawOverview(overview, trace, view, colours, overviewCache);
    byId("range").textContent = rangeText();
  });
}

function rangeText() {
  const all = everything(trace);
  const whole = `of ${timeText(trace.end - trace.begin)}`;
  if (view.to - view.from >= all.to - all.from) return `everything: ${timeText(trace.end - trace.begin)}`;
  const [from, to] = [Math.max(view.from, trace.begin) - trace.begin, Math.min(view.to, trace.end) - trace.begin];
  const step = (to - from) / 100;
  return `${tickText(from, step, to)} to ${tickText(to, step, to)}: ${timeText(to - from)} ${whole}`;
}

/** Selects a call everywhere; -1 for none. The timeline stays as it is, is moved to `show` it, or is `zoom`ed to it. */
function select(call, how = "show") {
  state.selected = call;
  revealInTree(tree, call);
  showCall(trace, call, colours, select);
  showTab("call");
  if (call >= 0) {
    byId("said").textContent = `${callText(trace, call)}: ${shortened(outcomeOf(trace, call), 80)}`;
    if (how !== "stay") reveal(call, how === "zoom");
  }
  countHits();
  redraw();
}

/** Brings a call into view: as it is, or at its own size. */
function reveal(call, closely) {
  const spans = spansOf(trace, call);
  const from = spans.length ? spans[0].from : trace.forked[call];
  const to = spans.length ? spans[spans.length - 1].to : from;
  const wide = view.to - view.from;
  if (closely) {
    const margin = Math.max((to - from) * 0.25, CLOSEST);
    look(trace, view, from - margin, to + margin);
  } else if (to < view.from || from > view.to) {
    const middle = to - from < wide ? (from + to) / 2 : from;
    look(trace, view, middle - wide / 2, middle + wide / 2);
  }
  if (!spans.length || !view.tops) return;
  const [top, room] = [view.tops[spans[0].row], chart.clientHeight - RULER];
  if (top < view.top || top + view.rowHeight > view.top + room) view.top = Math.max(0, top - room / 2);
}

function zoom(factor, middle = (view.from + view.to) / 2) {
  look(trace, view, middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
  redraw();
}

function pan(part) {
  const step = (view.to - view.from) * part;
  look(trace, view, view.from + step, view.to + step);
  redraw();
}

function scroll(pixels) {
  view.top += pixels;
  redraw();
}

function showEverything() {
  Object.assign(view, everything(trace));
  redraw();
}

// The search.

function search(text) {
  state.hits = tree.hits = find(trace, text);
  countHits();
  drawTree(tree);
  redraw();
}

function goTo(list, back) {
  const call = following(trace, list, state.selected, back);
  if (call >= 0) select(call);
}

function countHits() {
  const list = state.hits?.list;
  const number = list ? list.indexOf(state.selected) + 1 : 0;
  byId("hits").textContent = !list ? "" : number ? `${WHOLE.format(number)} of ${WHOLE.format(list.length)}` : counted(list.length, "hit");
  byId("next").disabled = byId("previous").disabled = !list?.length;
}

// The side.

function showTab(name) {
  for (const tab of ["call", "ir"]) {
    byId(`tab-${tab}`).setAttribute("aria-selected", tab === name);
    byId(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
    byId(tab).hidden = tab !== name;
  }
}

function changeTheme() {
  const root = document.documentElement;
  const dark = root.style.colorScheme ? root.style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = dark ? "light" : "dark";
  recolour();
}

function recolour() {
  colours = tree.colours = readColours(trace.functions);
  drawTree(tree);
  showCall(trace, state.selected, colours, select);
  redraw();
}

// The mouse.

function placeOf(event) {
  const box = chart.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

chart.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { x } = placeOf(event);
  // Lines and pages, where the mouse counts by them.
  const unit = [1, 16, 400][event.deltaMode];
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  if (event.altKey || x < GUTTER) scroll(dy);
  else if (Math.abs(dx) > Math.abs(dy)) pan(dx / (chart.clientWidth - GUTTER));
  else zoom(Math.exp(Math.max(-300, Math.min(300, dy)) * 0.0022), timeAt(view, chart.clientWidth, x));
}, { passive: false });

/** What a drag does: `move` is called with where it is, and `end` with whether it moved at all. */
function onDrag(element, begin) {
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { move, end } = begin(event);
    element.setPointerCapture(event.pointerId);
    let moved = false;
    const onMove = (next) => {
      moved ||= Math.hypot(next.clientX - event.clientX, next.clientY - event.clientY) > 3;
      if (moved) move(next);
    };
    const onEnd = (last) => {
      element.removeEventListener("pointermove", onMove);
      element.removeEventListener("pointerup", onEnd);
      element.removeEventListener("pointercancel", onEnd);
      end?.(moved, last);
    };
    element.addEventListener("pointermove", onMove);
    element.addEventListener("pointerup", onEnd);
    element.addEventListener("pointercancel", onEnd);
  });
}

onDrag(chart, (event) => {
  const begun = { ...placeOf(event), from: view.from, to: view.to, top: view.top };
  const width = chart.clientWidth;
  hideTip();
  if (begun.y < RULER) {
    const first = timeAt(view, width, Math.max(begun.x, GUTTER));
    return {
      move: (next) => {
        state.marking = [first, timeAt(view, width, Math.max(placeOf(next).x, GUTTER))];
        redraw();
      },
      end: (moved) => {
        if (moved && state.marking) look(trace, view, Math.min(...state.marking), Math.max(...state.marking));
        state.marking = null;
        redraw();
      },
    };
  }
  return {
    move: (next) => {
      const { x, y } = placeOf(next);
      const step = ((begun.x - x) / (width - GUTTER)) * (begun.to - begun.from);
      look(trace, view, begun.from + step, begun.to + step);
      view.top = begun.top + begun.y - y;
      chart.style.cursor = "grabbing";
      redraw();
    },
    end: (moved) => {
      chart.style.cursor = "";
      if (!moved) select(callAt(chart, trace, view, begun.x, begun.y), "stay");
    },
  };
});

chart.addEventListener("dblclick", () => state.selected >= 0 && select(state.selected, "zoom"));

onDrag(overview, () => {
  const move = (next) => {
    const all = everything(trace);
    const box = overview.getBoundingClientRect();
    const time = all.from + ((next.clientX - box.left - GUTTER) / (box.width - GUTTER)) * (all.to - all.from);
    const half = (view.to - view.from) / 2;
    look(trace, view, time - half, time + half);
    redraw();
  };
  return { move, end: (moved, last) => moved || move(last) };
});

onDrag(byId("splitter"), () => ({ move: (next) => setHeight(next.clientY - byId("timeline").getBoundingClientRect().top) }));

function setHeight(height) {
  const most = window.innerHeight - 220;
  document.body.style.setProperty("--timeline", `${Math.max(120, Math.min(height, most))}px`);
}

chart.addEventListener("pointermove", (event) => {
  if (event.buttons) return;
  const { x, y } = placeOf(event);
  const call = callAt(chart, trace, view, x, y);
  if (call !== state.hovered) redraw();
  state.hovered = call;
  if (call < 0) hideTip();
  else showTip(call, event.clientX, event.clientY);
});

chart.addEventListener("pointerleave", () => {
  state.hovered = -1;
  hideTip();
  redraw();
});

function showTip(call, x, y) {
  const tip = byId("tip");
  const time = timeOf(trace, call);
  const failed = trace.state[call] === 1;
  tip.replaceChildren(
    make("div", "", make("span", "name", shortened(nameOf(trace, call), 60)), make("span", "args", `(${shortened(argsOf(trace, call).map((arg) => arg.text).join(", "), 80)})`)),
    make("div", failed ? "bad value" : "value", `${failed ? "✕" : "→"} ${shortened(outcomeOf(trace, call), 120)}`),
    make("div", "note", [time === null ? "" : `${timeText(time)} since its fork`, `${WHOLE.format(trace.fuel[call])} fuel`].filter(Boolean).join(" · ")),
  );
  tip.hidden = false;
  const { offsetWidth: wide, offsetHeight: tall } = tip;
  tip.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - wide - 8))}px`;
  tip.style.top = `${y + 18 + tall > window.innerHeight ? y - tall - 12 : y + 18}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

// The keys.

const KEYS = {
  "+": () => zoom(0.7),
  "=": () => zoom(0.7),
  "-": () => zoom(1 / 0.7),
  _: () => zoom(1 / 0.7),
  0: showEverything,
  ArrowLeft: () => pan(-0.15),
  ArrowRight: () => pan(0.15),
  ArrowUp: () => scroll(-3 * view.rowHeight),
  ArrowDown: () => scroll(3 * view.rowHeight),
  n: () => goTo(state.hits?.list ?? [], false),
  N: () => goTo(state.hits?.list ?? [], true),
  e: () => goTo(failures, false),
  E: () => goTo(failures, true),
  t: changeTheme,
  "?": () => byId("keys").showModal(),
  "/": () => byId("query").select(),
  Enter: () => state.selected >= 0 && select(state.selected, "zoom"),
  Escape: () => (byId("query").value ? endSearch() : select(-1)),
};

function endSearch() {
  byId("query").value = "";
  search("");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const on = event.target;
  if (on === byId("query")) {
    if (event.key === "Escape") chart.focus();
    else if (event.key === "Enter") goTo(state.hits?.list ?? [], event.shiftKey);
    else return;
    event.preventDefault();
    return;
  }
  // Buttons are pressed by it, and texts scroll by arrows.
  if (on instanceof HTMLButtonElement && event.key === "Enter") return;
  if (on.closest?.("#side, #splitter") && event.key.startsWith("Arrow")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

byId("splitter").addEventListener("keydown", (event) => {
  const step = { ArrowUp: -24, ArrowDown: 24 }[event.key];
  if (step) setHeight(byId("timeline").offsetHeight + step);
});

byId("query").addEventListener("input", (event) => search(event.target.value));
const onClick = (id, action) => byId(id).addEventListener("click", action);
onClick("previous", () => goTo(state.hits?.list ?? [], true));
onClick("next", () => goTo(state.hits?.list ?? [], false));
onClick("failed", () => goTo(failures, false));
onClick("theme", changeTheme);
onClick("help", () => byId("keys").showModal());
onClick("in", () => zoom(0.7));
onClick("out", () => zoom(1 / 0.7));
onClick("all", showEverything);
onClick("tab-call", () => showTab("call"));
onClick("tab-ir", () => showTab("ir"));
for (const tab of ["call", "ir"]) {
  byId(`tab-${tab}`).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tab === "call" ? "ir" : "call";
    if (byId(`tab-${other}`).hidden) return;
    showTab(other);
    byId(`tab-${other}`).focus();
  });
}

// The beginning.

function begin() {
  const workers = trace.lanes.filter((lane) => lane.worker >= 0).length;
  const fuel = trace.fuel.reduce((sum, fuel) => sum + fuel, 0);
  byId("title").textContent = trace.title;
  byId("title").title = trace.title;
  byId("summary").textContent = [
    counted(trace.calls, "call"),
    workers ? counted(workers, "worker") : "no workers",
    timeText(trace.end - trace.begin),
    `${WHOLE.format(fuel)} fuel`,
  ].join(" · ");
  byId("failed").hidden = !trace.failures;
  byId("failed").textContent = `${WHOLE.format(trace.failures)} failed`;
  byId("ir").textContent = trace.ir;
  byId("tab-ir").hidden = !trace.ir;
  new ResizeObserver(() => {
    drawTree(tree);
    redraw();
  }).observe(document.body);
  new ResizeObserver(redraw).observe(chart);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  showTab(trace.ir ? "ir" : "call");
  showCall(trace, -1, colours, select);
  countHits();
  listTree(tree);
  // Few workers need less than there is.
  setHeight(Math.min(window.innerHeight * 0.42, heightOf(trace) + overview.offsetHeight + byId("bar").offsetHeight + 2));
  redraw();
}

begin();
