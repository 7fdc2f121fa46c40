// Runs JavaScript code that is handed in as text. This file is executed once, when the component is built; its state is frozen then.

const { parse, stringify } = JSON;
let evaluate = eval; // by another name, so that the code sees globals only; after a prelude, by a function within that
const [PRELUDE, FILE] = ["prelude", "snippet"];

let [main, printed] = [undefined, null]; // what `compile` was given; what code prints, if that is asked for

export function prelude(code) {
  try {
    evaluate = evaluate(`${code}\n;(function () { return eval(arguments[0]); })\n//# sourceURL=${PRELUDE}`);
  } catch (error) {
    throw describe(error, PRELUDE);
  }
}

export async function run(code, input) {
  const argument = read(input);
  try {
    return await called(define(code), argument);
  } catch (error) {
    throw describe(error, FILE);
  }
}

export function execute(code, input) {
  return outcome(() => define(code), input);
}

export function compile(code) {
  try {
    main = define(code);
  } catch (error) {
    throw describe(error, FILE);
  }
}

export function call(input) {
  return outcome(compiled, input);
}

function compiled() {
  if (main === undefined) throw new TypeError("no code was compiled");
  return main;
}

async function outcome(find, input) {
  printed = [];
  let value;
  try {
    const argument = read(input);
    try {
      value = { tag: "ok", val: await called(find(), argument) };
    } catch (error) {
      value = { tag: "err", val: { message: describe(error, FILE), traceback: shown(error) } };
    }
  } catch (message) {
    value = { tag: "err", val: { message, traceback: "" } };
  }
  return { value, output: printed.join("") };
}

function read(input) {
  try {
    return parse(input.replace(/^\uFEFF/, "")); // the byte order mark that a file may begin with; in code it is white space
  } catch (error) {
    throw `the input is not JSON: ${error.message}`;
  }
}

function define(code) {
  // The line break ends a comment that the code may end with.
  const made = evaluate(`(${code}\n)\n//# sourceURL=${FILE}`);
  if (typeof made !== "function") throw new TypeError("the code is not a function");
  return made;
}

async function called(made, argument) {
  const result = stringify(await made(argument));
  if (result === undefined) throw new TypeError("the result is not JSON, but undefined or a function");
  return result;
}

function describe(error, file) {
  try {
    if (!(error instanceof Error)) return `thrown: ${error}`;
    const line = lineOf(error, file);
    return `${error.name}: ${error.message}` + (line === undefined ? "" : ` (line ${line})`);
  } catch {
    return "an error that cannot be shown"; // it is the code's, and so may be its getters
  }
}

// The frames of the code's own, as the engine writes them.
function shown(error) {
  try {
    if (!(error instanceof Error)) return "";
    const own = String(error.stack).split("\n").filter((frame) => frame.includes(`@${FILE}:`));
    return [`${error.name}: ${error.message}`, ...own.slice(0, 100), ""].join("\n");
  } catch {
    return "";
  }
}

// The stack names the code's own frames. A syntax error has none: its line is that of the text that was evaluated.
function lineOf(error, file) {
  const frame = new RegExp(`@${file}:(\\d+):`).exec(error.stack);
  if (frame) return frame[1];
  if (error instanceof SyntaxError) return error.lineNumber;
}

// Without its imports the engine gives the time of the build as the time, known numbers as secrets, and traps at the rest.
const absent = (what) => () => {
  throw new Error(`a sandbox has no ${what}`);
};
const clock = absent("clock");
Date.now = clock;
globalThis.Date = new Proxy(Date, {
  apply: clock,
  construct: (target, args, made) => (args.length === 0 ? clock() : Reflect.construct(target, args, made)),
});
for (const name of ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "performance", "Performance"]) delete globalThis[name];
for (const name of ["crypto", "Crypto", "CryptoKey", "SubtleCrypto", "fetch", "Request", "Response", "Headers"]) delete globalThis[name];

// What is printed goes to who asks for it, or nowhere.
function print(...values) {
  if (printed !== null) printed.push(values.map(text).join(" ") + "\n");
}

function text(value) {
  try {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return (typeof value === "object" ? stringify(value) : undefined) ?? String(value);
  } catch {
    return "a value that cannot be shown";
  }
}

globalThis.console = { debug: print, error: print, info: print, log: print, trace: print, warn: print };
