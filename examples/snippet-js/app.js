// Runs JavaScript code that is handed in as text. This file is executed once, when the component is built; its state is frozen then.

const { parse, stringify } = JSON;
let evaluate = eval; // by another name, so that the code sees globals only; after a prelude, by a function within that
const [PRELUDE, FILE] = ["prelude", "snippet"];

export function prelude(code) {
  try {
    evaluate = evaluate(`${code}\n;(function () { return eval(arguments[0]); })\n//# sourceURL=${PRELUDE}`);
  } catch (error) {
    throw describe(error, PRELUDE);
  }
}

export async function run(code, input) {
  let argument;
  try {
    argument = parse(input.replace(/^\uFEFF/, "")); // the byte order mark that a file may begin with; in code it is white space
  } catch (error) {
    throw `the input is not JSON: ${error.message}`;
  }
  try {
    // The line break ends a comment that the code may end with.
    const main = evaluate(`(${code}\n)\n//# sourceURL=${FILE}`);
    if (typeof main !== "function") throw new TypeError("the code is not a function");
    const result = stringify(await main(argument));
    if (result === undefined) throw new TypeError("the result is not JSON, but undefined or a function");
    return result;
  } catch (error) {
    throw describe(error, FILE);
  }
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
