"use strict";

// The trace: columns as typed arrays, and what follows from them. A call is a number, its place in the columns; -1 is none.

/** Reads the data of the page. What each column is, `data.rs` says. */
function readTrace(data) {
  const calls = data.function.length;
  const trace = {
    title: data.title,
    ir: data.ir,
    functions: data.functions,
    texts: data.texts,
    calls,
    function: Int32Array.from(data.function),
    parent: Int32Array.from(data.parent),
    number: Float64Array.from(data.number),
    forked: summed(data.forkedSteps),
    forkedOn: Float64Array.from(data.forkedOn),
    forkedAfter: Float64Array.from(data.forkedAfter),
    started: Float64Array.from(data.started),
    done: Float64Array.from(data.done),
    cancelled: Float64Array.from(data.cancelled),
    fuel: Float64Array.from(data.fuel),
    site: Int32Array.from(data.site),
    state: Uint8Array.from(data.state),
    result: Int32Array.from(data.result),
    args: { ...grouped(data.argsOf), text: Int32Array.from(data.args), from: Int32Array.from(data.argsFrom) },
    waits: { ...grouped(data.waitsOf), at: summed(data.waitsSteps), on: Int32Array.from(data.waitsFor), after: Float64Array.from(data.waitsAfter) },
    outputs: new Map(data.outputs.map(([call, ...texts]) => [call, texts])),
    lanes: data.lanes.map(readLane),
  };
  // The waits of the host come before all others.
  const ofHost = trace.waits.on.length - trace.waits.first[calls];
  trace.waits.first = trace.waits.first.map((first) => first + ofHost);
  for (const column of ["started", "done", "cancelled"]) fromForks(trace[column], trace.forked);
  addTree(trace);
  addSpans(trace);
  addExtent(trace, data.end);
  return trace;
}

/** Numbers from their differences. */
function summed(steps) {
  const sums = new Float64Array(steps.length);
  for (let at = 0, sum = 0; at < steps.length; at++) sums[at] = sum += steps[at];
  return sums;
}

/** Where the items of each call begin among those of all; one more entry says where the last end. */
function grouped(counts) {
  const first = new Int32Array(counts.length + 1);
  for (let at = 0; at < counts.length; at++) first[at + 1] = first[at] + counts[at];
  return { first };
}

/** Times that were counted from the fork; -1 stays. */
function fromForks(times, forked) {
  for (let call = 0; call < times.length; call++) if (times[call] >= 0) times[call] += forked[call];
}

function readLane(lane) {
  const rows = lane.rows.map((row) => {
    const from = summed(row.fromSteps);
    return { task: Int32Array.from(row.task), from, to: from.map((time, at) => time + row.length[at]) };
  });
  return { worker: lane.worker, rows };
}

/** Adds who is whose child, how deep each is, the order in which the tree shows them, and below which calls one failed. */
function addTree(trace) {
  const { calls, parent, state } = trace;
  const counts = new Int32Array(calls + 1);
  for (let call = 0; call < calls; call++) counts[parent[call] + 1]++;
  // Place 0 is the host's; so the children of a call begin at `first[call + 1]`.
  const { first } = grouped(counts);
  const next = first.slice();
  const child = new Int32Array(calls);
  for (let call = 0; call < calls; call++) child[next[parent[call] + 1]++] = call;
  trace.children = { first, child };

  trace.depth = new Int32Array(calls);
  for (let call = 0; call < calls; call++) if (parent[call] >= 0) trace.depth[call] = trace.depth[parent[call]] + 1;

  trace.failures = 0;
  trace.below = new Uint8Array(calls);
  trace.whole = Float64Array.from(trace.fuel);
  const size = new Int32Array(calls).fill(1);
  for (let call = calls - 1; call >= 0; call--) {
    if (state[call] === 1) trace.failures++;
    if (parent[call] < 0) continue;
    if (state[call] === 1 || trace.below[call]) trace.below[parent[call]] = 1;
    trace.whole[parent[call]] += trace.whole[call];
    size[parent[call]] += size[call];
  }
  trace.size = size;

  // A call stands right after the one that forked it, or after the whole of its elder sibling.
  trace.place = new Int32Array(calls);
  const free = new Int32Array(calls + 1);
  for (let call = 0; call < calls; call++) {
    const above = parent[call] + 1;
    trace.place[call] = free[above];
    free[above] += size[call];
    free[call + 1] = trace.place[call] + 1;
  }
  trace.order = new Int32Array(calls);
  for (let call = 0; call < calls; call++) trace.order[trace.place[call]] = call;
}

/** Adds the times in which each call ran: by row of the timeline, and where in the row. */
function addSpans(trace) {
  const counts = new Int32Array(trace.calls);
  trace.rows = trace.lanes.flatMap((lane, number) => lane.rows.map((row) => ({ ...row, lane: number })));
  for (const row of trace.rows) for (const task of row.task) counts[task]++;
  const { first } = grouped(counts);
  const next = first.slice();
  const total = first[trace.calls];
  const spans = { first, row: new Int32Array(total), at: new Int32Array(total) };
  trace.rows.forEach((row, number) => {
    row.failed = running(row.task.length, (at) => trace.state[row.task[at]] === 1);
    row.task.forEach((task, at) => {
      const place = next[task]++;
      spans.row[place] = number;
      spans.at[place] = at;
    });
  });
  trace.spans = spans;
}

/** How many of the first so many are of a kind: the difference of two tells of a range. */
function running(length, is) {
  const sums = new Int32Array(length + 1);
  for (let at = 0; at < length; at++) sums[at + 1] = sums[at] + (is(at) ? 1 : 0);
  return sums;
}

/** Adds when the trace began and ended. */
function addExtent(trace, end) {
  let begin = end;
  for (const time of trace.forked) if (time < begin) begin = time;
  for (const row of trace.rows) if (row.from.length && row.from[0] < begin) begin = row.from[0];
  trace.begin = begin;
  trace.end = Math.max(end, begin + 1);
}

/** The times in which a call ran, in order. */
function spansOf(trace, call) {
  const { first, row, at } = trace.spans;
  const spans = [];
  for (let place = first[call]; place < first[call + 1]; place++) {
    const of = trace.rows[row[place]];
    spans.push({ row: row[place], from: of.from[at[place]], to: of.to[at[place]], worker: trace.lanes[of.lane].worker });
  }
  return spans.sort((a, b) => a.from - b.from);
}

/** How often something is done at most for one call: nobody reads more, and it is to be quick. */
const FEW = 200;

/** The calls that a call forked, in order. */
function childrenOf(trace, call) {
  const { first, child } = trace.children;
  return child.subarray(first[call + 1], Math.min(first[call + 2], first[call + 1] + FEW));
}

function countChildren(trace, call) {
  return trace.children.first[call + 2] - trace.children.first[call + 1];
}

/** The waits of a call, in order. */
function waitsOf(trace, call) {
  const { first, on, at, after } = trace.waits;
  const waits = [];
  for (let place = first[call]; place < Math.min(first[call + 1], first[call] + FEW); place++) {
    waits.push({ call: on[place], at: at[place], after: after[place] });
  }
  return waits;
}

/** The arguments of a call: each as a text, and the call whose future it was. */
function argsOf(trace, call) {
  const { first, text, from } = trace.args;
  const args = [];
  for (let place = first[call]; place < first[call + 1]; place++) args.push({ text: trace.texts[text[place]], from: from[place] });
  return args;
}

/** The calls from the one that the host forked to this one. */
function pathTo(trace, call) {
  const path = [];
  for (let at = call; at >= 0; at = trace.parent[at]) path.push(at);
  return path.reverse();
}

function nameOf(trace, call) {
  return trace.functions[trace.function[call]].name;
}

/** What a call gave, on one line: its value, or the kind and the first line of its error. */
function outcomeOf(trace, call) {
  if (trace.state[call] === 2) return trace.cancelled[call] >= 0 ? "cancelled" : "has not ended";
  const text = trace.texts[trace.result[call]];
  return trace.state[call] === 0 ? text : text.split("\n", 2).join(": ");
}

/** How long it was from the fork to the end; none if it has not ended. */
function timeOf(trace, call) {
  const end = trace.done[call] >= 0 ? trace.done[call] : trace.cancelled[call];
  return end < 0 ? null : end - trace.forked[call];
}

/** The first place of ordered numbers, from `low` to `high`, whose number is greater than that. */
function firstAfter(numbers, value, low = 0, high = numbers.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
