// The timeline: what ran when on which worker. It draws what is seen, at the detail that is seen, and nothing else.

/** Widths and heights, in pixels. */
const GUTTER = 96;
const RULER = 24;
const LANE_GAP = 8;
const ROW = { least: 13, most: 24 };
/** A narrower bar has no text. */
const LABELLED = 34;
/** The least time that fills the width, in nanoseconds. */
const CLOSEST = 20;

/** What is seen: of the time, `from` to `to`; of the rows, those from `top`, in pixels. */
function newView(trace) {
  return { ...everything(trace), top: 0, rowHeight: ROW.most };
}

function everything(trace) {
  const margin = (trace.end - trace.begin) * 0.01;
  return { from: trace.begin - margin, to: trace.end + margin };
}

/** Changes what is seen, within what there is. */
function look(trace, view, from, to) {
  const all = everything(trace);
  const wanted = Math.max(to - from, CLOSEST);
  // Within what numbers are rounded to it is everything.
  const width = wanted > (all.to - all.from) * (1 - 1e-9) ? all.to - all.from : wanted;
  const middle = (from + to) / 2;
  view.from = Math.min(Math.max(middle - width / 2, all.from), all.to - width);
  view.to = view.from + width;
}

/** Where each row is, from the top of all, and how high all are together. */
function layOut(trace, view, height) {
  const count = Math.max(trace.rows.length, 1);
  const room = height - RULER - LANE_GAP * (trace.lanes.length + 1);
  const rowHeight = Math.min(Math.max(Math.floor(room / count), ROW.least), ROW.most);
  if (!view.tops || view.rowHeight !== rowHeight) placeRows(trace, view, rowHeight);
  view.top = Math.max(0, Math.min(view.top, view.height - (height - RULER)));
}

function placeRows(trace, view, rowHeight) {
  view.rowHeight = rowHeight;
  view.tops = new Float64Array(trace.rows.length);
  view.laneTops = trace.lanes.map(() => 0);
  let [top, lane] = [0, -1];
  trace.rows.forEach((row, number) => {
    if (row.lane !== lane) {
      top += LANE_GAP;
      lane = row.lane;
      view.laneTops[lane] = top;
    }
    view.tops[number] = top;
    top += view.rowHeight;
  });
  view.height = top + LANE_GAP;
}

/** How high the timeline is where there is room. */
function heightOf(trace) {
  return RULER + trace.rows.length * ROW.most + LANE_GAP * (trace.lanes.length + 1);
}

function xOf(view, width, time) {
  return GUTTER + ((time - view.from) / (view.to - view.from)) * (width - GUTTER);
}

function timeAt(view, width, x) {
  return view.from + ((x - GUTTER) / (width - GUTTER)) * (view.to - view.from);
}

function yOf(view, row) {
  return RULER + view.tops[row] - view.top;
}

/** Draws all of it. `state` says what is selected, hovered over, and found. */
function drawTimeline(canvas, trace, view, colours, state) {
  const { context, width, height } = canvasOf(canvas);
  layOut(trace, view, height);
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  context.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  const area = { context, width, height, trace, view, colours, state };
  drawLanes(area);
  drawRuler(area);
  context.save();
  context.beginPath();
  context.rect(GUTTER, RULER, width - GUTTER, height - RULER);
  context.clip();
  const rows = seenRows(area);
  for (let row = rows.first; row < rows.end; row++) drawRow(area, row);
  if (state.selected >= 0) drawSelection(area);
  if (state.marking) drawMarking(area);
  context.restore();
  drawBarOfScroll(area);
}

/** The rows that are not above or below what is seen. */
function seenRows({ trace, view, height }) {
  const first = Math.max(0, firstAfter(view.tops, view.top) - 1);
  return { first, end: Math.min(trace.rows.length, firstAfter(view.tops, view.top + height - RULER)) };
}

function drawLanes({ context, width, height, trace, view, colours }) {
  trace.lanes.forEach((lane, number) => {
    const top = RULER + view.laneTops[number] - view.top;
    const tall = lane.rows.length * view.rowHeight;
    if (top > height || top + tall < RULER) return;
    context.fillStyle = colours.lane;
    context.fillRect(GUTTER, top, width - GUTTER, tall);
    context.fillStyle = colours.soft;
    context.textAlign = "left";
    // The name stays where it is seen as long as any of its lane is.
    const middle = Math.min(Math.max(top, RULER) + view.rowHeight / 2, top + tall - view.rowHeight / 2);
    if (middle > RULER) context.fillText(laneText(lane), 14, middle);
  });
}

function laneText({ worker }) {
  return worker < 0 ? "other threads" : shortened(`worker ${worker}`, 13);
}

/**
 * Draws a row. What is narrower than a pixel is drawn together with what is beside it, by steps of time that do not move with the view: it
 * would flicker otherwise. So a row takes no longer than it has pixels, however many calls it has.
 */
function drawRow(area, number) {
  const { context, width, trace, view, state } = area;
  const row = trace.rows[number];
  const hits = state.hits?.rows[number];
  const [y, tall] = [yOf(view, number) + 1, view.rowHeight - 2];
  const scale = (width - GUTTER) / (view.to - view.from);
  const step = 2 ** Math.ceil(Math.log2(1 / scale));
  const count = row.from.length;
  const end = firstAfter(row.from, view.to);
  let at = firstAfter(row.to, view.from);
  const pending = { x: 0, right: 0, style: null };
  while (at < end) {
    let last = at + 1;
    let right = row.to[at];
    if (right - row.from[at] < step) {
      // All that begins in this step.
      const until = (Math.floor(row.from[at] / step) + 1) * step;
      last = Math.max(last, gallop(row.from, until, at, count));
      // The last of them may be long: it is drawn alone.
      if (last - at > 1 && row.to[last - 1] > until + step) last--;
      right = row.to[last - 1];
    }
    const x = Math.max(GUTTER - 4, xOf(view, width, row.from[at]));
    const wide = Math.max(Math.min(xOf(view, width, right), width + 4) - x, 1);
    const failed = row.failed[last] > row.failed[at];
    const hit = !hits || hits[last] > hits[at];
    const style = styleOf(area, row.task[at], failed ? (last - at === 1 ? "it" : "some") : "none", hit, last - at === 1);
    if (wide >= 3) {
      flush(context, pending, y, tall);
      drawBar(area, style, x, y, wide, tall, last - at === 1 ? row.task[at] : -1);
    } else if (pending.style === style && x <= pending.right + 0.75) {
      pending.right = x + wide;
    } else {
      flush(context, pending, y, tall);
      [pending.x, pending.right, pending.style] = [x, x + wide, style];
    }
    at = last;
  }
  flush(context, pending, y, tall);
}

/** The first place after `at` whose number is not below `value`: it is near most often, so it looks near first. */
function gallop(numbers, value, at, count) {
  let reach = 1;
  while (at + reach < count && numbers[at + reach] < value) reach *= 2;
  let [low, high] = [at + (reach >> 1), Math.min(at + reach, count)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * What a bar looks like: `fill`, whether it is faint, and the colour and height of the line under it. The same object for the same look.
 * `failed` says whether it is a call that failed, or several of which one did.
 */
function styleOf({ trace, colours }, task, failed, hit, alone) {
  const below = alone && failed === "none" && trace.below[task] === 1;
  const styles = (colours.styles ??= new Map());
  const key = `${failed === "it" ? -1 : trace.function[task]} ${failed === "some"} ${hit} ${below}`;
  let style = styles.get(key);
  if (!style) {
    const fill = failed === "it" ? colours.error : colours.functions[trace.function[task]];
    style = { fill, faint: !hit, line: failed === "some" ? 0.5 : below ? 0.15 : 0, lineFill: colours.error, failed: failed === "it" };
    styles.set(key, style);
  }
  return style;
}

function flush(context, pending, y, tall) {
  if (!pending.style) return;
  fillBar(context, pending.style, pending.x, y, pending.right - pending.x, tall);
  pending.style = null;
}

function fillBar(context, style, x, y, wide, tall) {
  if (style.faint) context.globalAlpha = 0.22;
  context.fillStyle = style.fill;
  context.fillRect(x, y, wide, tall);
  if (style.line) {
    const line = Math.max(2, Math.round(style.line * tall));
    context.fillStyle = style.lineFill;
    context.fillRect(x, y + tall - line, wide, line);
  }
  if (style.faint) context.globalAlpha = 1;
}

function drawBar({ context, trace, colours, state }, style, x, y, wide, tall, call) {
  // A gap, so that neighbours are two.
  fillBar(context, style, x, y, Math.max(wide - (wide > 6 ? 1 : 0), 1), tall);
  if (call >= 0 && call === state.hovered) {
    context.globalAlpha = 0.18;
    context.fillStyle = colours.ink;
    context.fillRect(x, y, wide, tall);
    context.globalAlpha = 1;
  }
  if (call < 0 || wide < LABELLED || tall < 11) return;
  context.save();
  context.beginPath();
  context.rect(x, y, wide - 5, tall);
  context.clip();
  context.fillStyle = style.failed ? colours.panel : colours["on-bar"];
  context.globalAlpha = style.faint ? 0.45 : 1;
  context.textAlign = "left";
  context.fillText(labelOf(trace, call, wide), Math.max(x, GUTTER) + 5, y + tall / 2 + 0.5);
  context.restore();
}

/** The text of a bar, no longer than there is room. */
function labelOf(trace, call, wide) {
  const most = Math.ceil(wide / 4);
  const name = shortened(nameOf(trace, call), most);
  if (name.length >= most) return name;
  return shortened(`${name}(${argsOf(trace, call).map((arg) => arg.text).join(", ")})`, most);
}

/** Outlines the selected call, and draws lines from its fork, to those that it forked, and to those that it waited for. */
function drawSelection(area) {
  const { context, width, view, trace, colours, state } = area;
  const spans = spansOf(trace, state.selected);
  context.strokeStyle = colours.ink;
  context.lineWidth = 2;
  spans.forEach((span, number) => {
    const [x, y] = [xOf(view, width, span.from), yOf(view, span.row)];
    const right = xOf(view, width, span.to);
    const left = Math.max(x, GUTTER - 4);
    context.strokeRect(left, y + 1, Math.max(Math.min(right, width + 4) - left, 2), view.rowHeight - 2);
    const before = spans[number - 1];
    // While it was suspended.
    if (before) line(area, before.to, before.row, span.from, span.row, colours.ink, [3, 3]);
  });
  const parent = trace.parent[state.selected];
  if (spans.length && parent >= 0) arrow(area, parent, trace.forked[state.selected], state.selected, colours.accent);
  for (const child of childrenOf(trace, state.selected)) arrow(area, state.selected, trace.forked[child], child, colours.accent);
}

/** A line from where a call was forked to where it started. */
function arrow(area, parent, time, call, colour) {
  const from = rowAt(area.trace, parent, time);
  const [start] = spansOf(area.trace, call);
  if (from >= 0 && start) line(area, time, from, start.from, start.row, colour, []);
}

/** The row in which a call ran at a time; else the one in which it ran first. */
function rowAt(trace, call, time) {
  const spans = spansOf(trace, call);
  return (spans.find((span) => span.from <= time && time <= span.to) ?? spans[0])?.row ?? -1;
}

function line({ context, width, view }, from, fromRow, to, toRow, colour, dash) {
  // Of what is far away the direction suffices: a dashed line takes as long to draw as it is long.
  const [x, right] = [from, to].map((time) => Math.max(-width, Math.min(2 * width, xOf(view, width, time))));
  if (Math.max(x, right) < GUTTER || Math.min(x, right) > width) return;
  const half = view.rowHeight / 2;
  const [y, bottom] = [yOf(view, fromRow) + half, yOf(view, toRow) + half];
  const bend = Math.min(Math.abs(right - x) / 2, 60);
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.globalAlpha = 0.8;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x, y);
  context.bezierCurveTo(x + bend, y, right - bend, bottom, right, bottom);
  context.stroke();
  context.restore();
}

/** Which part of the rows is seen, where that is not all of them. */
function drawBarOfScroll({ context, width, height, view, colours }) {
  const room = height - RULER;
  if (view.height <= room) return;
  const tall = Math.max(16, (room * room) / view.height);
  context.fillStyle = colours.soft;
  context.globalAlpha = 0.6;
  context.fillRect(width - 6, RULER + (view.top / (view.height - room)) * (room - tall), 4, tall);
  context.globalAlpha = 1;
}

/** What is being marked on the ruler. */
function drawMarking({ context, width, height, view, colours, state }) {
  const [x, right] = state.marking.map((time) => xOf(view, width, time));
  context.globalAlpha = 0.15;
  context.fillStyle = colours.accent;
  context.fillRect(Math.min(x, right), RULER, Math.abs(right - x), height);
  context.globalAlpha = 1;
}

/** The times with lines below them, from the beginning of the trace, at steps of 1, 2 or 5. */
function drawRuler({ context, width, height, trace, view, colours }) {
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, RULER);
  const least = ((view.to - view.from) * 95) / Math.max(width - GUTTER, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
  context.textAlign = "left";
  for (let tick = Math.ceil((view.from - trace.begin) / step); ; tick++) {
    const x = xOf(view, width, trace.begin + tick * step);
    if (x > width || tick > 1e15) break;
    if (x < GUTTER) continue;
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x), 4, 1, height);
    const text = tickText(tick * step, step, view.to - trace.begin);
    context.fillStyle = colours.soft;
    if (x + 5 + context.measureText(text).width < width) context.fillText(text, x + 5, RULER / 2);
  }
  context.fillStyle = colours.line;
  context.fillRect(0, RULER - 1, width, 1);
}

/** A time on the ruler: as many digits as tell it from the next. */
function tickText(time, step, like) {
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]].find(([size]) => like >= size) ?? [1, "ns"];
  return `${(time / size).toFixed(Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / size) - 1e-9))))} ${unit}`;
}

/** The call at a place of the canvas; what is within two pixels counts. */
function callAt(canvas, trace, view, x, y) {
  const width = canvas.clientWidth;
  if (x < GUTTER || y < RULER || !view.tops?.length) return -1;
  const number = firstAfter(view.tops, y - RULER + view.top) - 1;
  if (number < 0 || y - yOf(view, number) > view.rowHeight) return -1;
  const row = trace.rows[number];
  const time = timeAt(view, width, x);
  const near = (slack) => {
    const at = firstAfter(row.from, time + slack) - 1;
    return at >= 0 && row.to[at] >= time - slack ? row.task[at] : -1;
  };
  const exact = near(0);
  return exact >= 0 ? exact : near((2 * (view.to - view.from)) / (width - GUTTER));
}

/** Draws all of the trace in little, once: how many workers ran at a time, and where calls failed. */
function drawOverview(canvas, trace, view, colours, cache) {
  const { context, width, height } = canvasOf(canvas);
  const all = everything(trace);
  const key = `${width} ${height} ${colours.panel}`;
  if (cache.key !== key) {
    cache.key = key;
    cache.bins = countRunning(trace, Math.max(1, Math.floor(width - GUTTER)));
  }
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  const most = cache.bins.busy.reduce((most, value) => Math.max(most, value), 1e-9);
  const room = height - 6;
  context.fillStyle = colours.soft;
  context.globalAlpha = 0.45;
  cache.bins.busy.forEach((busy, x) => context.fillRect(GUTTER + x, height - 1, 1, (-busy / most) * room));
  context.globalAlpha = 1;
  context.fillStyle = colours.error;
  cache.bins.failed.forEach((failed, x) => failed && context.fillRect(GUTTER + x, 0, 1.5, 4));
  const scale = (width - GUTTER) / (all.to - all.from);
  const [left, right] = [GUTTER + (view.from - all.from) * scale, GUTTER + (view.to - all.from) * scale];
  if (right - left < width - GUTTER - 1) {
    context.globalAlpha = 0.65;
    context.fillStyle = colours.panel;
    context.fillRect(GUTTER, 0, left - GUTTER, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    context.strokeRect(left, 1, Math.max(right - left, 2), height - 2);
  }
  context.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  context.fillStyle = colours.soft;
  context.fillText("overview", 14, height / 2);
}

/** For each of so many parts of the time: how much ran in it, by the lowest row of each lane, and whether a call failed in it. */
function countRunning(trace, parts) {
  const all = everything(trace);
  const scale = parts / (all.to - all.from);
  const bins = { busy: new Float64Array(parts), failed: new Uint8Array(parts) };
  const part = (time) => Math.min(parts - 1, Math.max(0, Math.floor((time - all.from) * scale)));
  trace.rows.forEach((row, number) => {
    const lowest = number === 0 || trace.rows[number - 1].lane !== row.lane;
    for (let at = 0; at < row.from.length; at++) {
      if (trace.state[row.task[at]] === 1 && row.to[at] === trace.done[row.task[at]]) bins.failed[part(row.to[at])] = 1;
      if (!lowest) continue;
      const [first, last] = [part(row.from[at]), part(row.to[at])];
      for (let bin = first; bin <= last; bin++) {
        const [from, to] = [all.from + bin / scale, all.from + (bin + 1) / scale];
        bins.busy[bin] += Math.max(0, Math.min(to, row.to[at]) - Math.max(from, row.from[at])) * scale;
      }
    }
  });
  return bins;
}
