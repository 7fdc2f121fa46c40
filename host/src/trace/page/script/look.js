// How things look: numbers, times, colours, elements.

const WHOLE = new Intl.NumberFormat("en");

/** A time in the unit that suits `like`; by default itself. */
function timeText(nanoseconds, like = nanoseconds, digits = 3) {
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]].find(([size]) => Math.abs(like) >= size) ?? [1, "ns"];
  const value = nanoseconds / size;
  const decimals = size === 1 ? 0 : Math.max(0, digits - Math.max(1, Math.floor(Math.log10(Math.abs(value) || 1)) + 1));
  return `${value.toFixed(Math.min(decimals, 9))} ${unit}`;
}

/** A time with all its digits. */
function exactTime(nanoseconds) {
  return nanoseconds < 1000 ? timeText(nanoseconds) : timeText(nanoseconds, nanoseconds, 12).replace(/\.?0+ /, " ");
}

function workerText(worker) {
  return worker < 0 ? "other" : `${worker}`;
}

/** How many there are: `1 call`, `2 calls`. */
function counted(count, one) {
  return `${WHOLE.format(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** At most so many characters. */
function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** An element with classes and children. Texts are only ever text: what a guest made up cannot become markup. */
function make(tag, classes = "", ...children) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...children);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

// Hues of functions, without those that errors have.
const HUES = [250, 150, 300, 85, 200, 330, 120, 275, 175, 55, 225, 315];

/** A hue for each function: one that follows from its name alone, so that it is the same in other traces, unless another one has it. */
function huesOf(functions) {
  const taken = new Set();
  return functions.map(({ name }) => {
    let slot = 0;
    for (const letter of name) slot = (Math.imul(slot, 31) + letter.codePointAt(0)) >>> 0;
    slot %= HUES.length;
    while (taken.has(slot) && taken.size < HUES.length) slot = (slot + 1) % HUES.length;
    taken.add(slot);
    return HUES[slot];
  });
}

/** The colours for drawing, as the theme has them. They are read anew when it changes. */
function readColours(functions) {
  const probe = make("i");
  document.body.append(probe);
  const colours = {};
  for (const name of ["panel", "lane", "line", "ink", "soft", "accent", "error", "hit", "on-bar", "over"]) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  colours.functions = huesOf(functions).map((hue) => {
    probe.style.color = `light-dark(oklch(0.8 0.085 ${hue}), oklch(0.5 0.085 ${hue}))`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return colours;
}

/** Makes a canvas as large as it is shown; returns its context, in which a unit is a pixel of CSS, and its size. */
function canvasOf(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}
