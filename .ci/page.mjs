// Drives the pages in a folder: see `page`.

import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";

const [driver, pages, , shots] = process.argv.slice(2);
const { chromium } = createRequire(resolve(driver, "node_modules") + "/")("playwright-core");
// In a container there are no namespaces for Chromium's own sandbox.
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let wrong = 0;

/** Says so if something is not as expected. */
function check(what, given, expected) {
  const [shown, wanted] = [JSON.stringify(given), JSON.stringify(expected)];
  if (shown === wanted) return;
  wrong++;
  console.log(`${what}: expected ${wanted}, found ${shown}`);
}

/** Opens a page, lets something be done with it, and checks that nothing was logged, and nothing asked for. */
async function open(name, what, act, { scheme = "light", width = 1400, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  const file = `file://${resolve(pages, `${name}.html`)}`;
  const [logged, asked] = [[], []];
  page.on("console", (message) => logged.push(message.text()));
  page.on("pageerror", (error) => logged.push(error.stack));
  page.on("request", (request) => asked.push(request.url()));
  await context.setOffline(true);
  try {
    await page.goto(file);
    await page.waitForFunction(() => document.getElementById("range").textContent);
    await act(page);
    await drawn(page);
  } catch (error) {
    check(`${name}, ${what}`, error.message, "no error");
  }
  check(`${name}, ${what}: logged`, logged, []);
  check(`${name}, ${what}: asked for`, asked, [file]);
  if (shots) {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: resolve(shots, `${name}-${what.replaceAll(" ", "-")}.png`) });
  }
  await context.close();
}

/** Waits until what was asked for is drawn. */
const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const text = (page, selector) => page.locator(selector).innerText();
async function range(page) {
  await drawn(page);
  return text(page, "#range");
}

/** How long the seen time is, in nanoseconds. */
const seen = (page) => page.evaluate(() => view.to - view.from);
const begin = (page) => page.evaluate(() => view.from);
const selected = (page) => page.evaluate(() => state.selected);

/** Where a call is drawn: the middle of the first time in which it ran, on the window. */
const spot = (page, call) =>
  page.evaluate((call) => {
    const box = chart.getBoundingClientRect();
    const [span] = spansOf(trace, call);
    const x = xOf(view, chart.clientWidth, (span.from + span.to) / 2);
    return { x: box.left + x, y: box.top + yOf(view, span.row) + view.rowHeight / 2 };
  }, call);

async function clickOn(page, call) {
  const { x, y } = await spot(page, call);
  await page.mouse.click(x, y);
}

await open("three", "what there is", async (page) => {
  check("title", [await page.title(), await text(page, "#title")], ["three", "three"]);
  check("summary", await text(page, "#summary"), "3 calls · 2 workers · 1.20 µs · 50 fuel");
  check("failed", await text(page, "#failed"), "2 failed");
  check("range", await range(page), "everything: 1.20 µs");
  check("the IR", (await text(page, "#ir")).split("\n")[0], "graph @main(%n: s32 = 2):");
  const rows = await page.locator(".row").evaluateAll((rows) => rows.map((row) => [row.className, row.ariaLevel, row.innerText.replace(/\s+/g, " ")]));
  check("rows", rows, [
    ["row failed", "1", "▾ main (2) ✕ Trap: `fail` trapped: integer divide by zero 1.20 µs 40 0"],
    ["row", "2", "double (2) → 4 300 ns 7 1"],
    ["row failed", "2", "fail (4) ✕ Trap: `fail` trapped: integer divide by zero 600 ns 3 1"],
  ]);
});

await open("three", "a selected call", async (page) => {
  await clickOn(page, 2);
  check("call", (await text(page, "#call")).replace(/[ \t]+/g, " ").split(/\n+/), [
    "main ›", "fail",
    "ERROR", "Trap", "`fail` trapped: integer divide by zero", " at `deep` (offset 0x2f)", " at `deeper` (offset 0x2f)", " at `fail` (offset 0x2f)",
    "ARGUMENTS", "n 4 from the future of double(2) s32",
    "TIMES", "forked 300 ns by worker 0", "started 550 ns +250 ns", "ended 900 ns +600 ns", "ran 350 ns ", "suspended 0 ns ", "worker 1 ",
    "FUEL", "own 3 ",
    "ORIGIN", "forked by main(2) after 20 of its fuel", "as its fork 2 ", "call 2 in this trace", "module 5f5f5f5f5f5f5f5f… ",
  ]);
  check("told to readers of the screen", await text(page, "#said"), "fail(4): Trap: `fail` trapped: integer divide by zero");
  await page.locator("#call button", { hasText: "main(2)" }).click();
  check("the parent, by its link", await selected(page), 0);
  check("its forks and waits", (await text(page, "#call")).includes("FORKS (2)") && (await text(page, "#call")).includes("WAITS (2)"), true);
  await page.keyboard.press("Escape");
  check("none", [await selected(page), await text(page, "#call")], [-1, "Select a call in the timeline or in the tree."]);
  await page.locator("#tab-ir").click();
  check("tabs", [await page.locator("#ir").isVisible(), await page.locator("#call").isVisible()], [true, false]);
});

await open("errors", "zoom", async (page) => {
  const all = await seen(page);
  await page.mouse.move(900, 200);
  const under = () => page.evaluate(() => timeAt(view, chart.clientWidth, 900 - chart.getBoundingClientRect().left));
  const time = await under();
  await page.mouse.wheel(0, -300);
  await drawn(page);
  const closer = await seen(page);
  check("the wheel zooms in", closer < all * 0.6, true);
  check("what is under the pointer stays", Math.abs((await under()) - time) < 1e-6 * all, true);
  await page.mouse.wheel(0, 300);
  await drawn(page);
  await page.keyboard.press("0");
  check("0", await range(page), "everything: 530 µs");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  check("+", Math.abs((await seen(page)) / all - 0.49) < 1e-9, true);
  const from = await begin(page);
  await page.keyboard.press("ArrowRight");
  check("→", (await begin(page)) > from, true);
  await page.keyboard.press("ArrowLeft");
  check("←", Math.abs((await begin(page)) - from) < 1, true);
  await page.mouse.move(900, 150);
  await page.mouse.down();
  await page.mouse.move(1000, 150, { steps: 4 });
  await page.mouse.up();
  check("a drag moves", (await begin(page)) < from, true);
  check("and selects nothing", await selected(page), -1);
  await page.keyboard.press("-");
  await page.keyboard.press("-");
  check("-", await range(page), "everything: 530 µs");
  const ruler = await page.evaluate(() => chart.getBoundingClientRect().top + 10);
  await page.mouse.move(400, ruler);
  await page.mouse.down();
  await page.mouse.move(600, ruler, { steps: 4 });
  await page.mouse.up();
  check("a drag on the times zooms", Math.abs((await seen(page)) / all - 200 / 1316) < 0.01, true);
  await page.locator("#all").click();
  await page.locator("#in").click();
  await page.locator("#out").click();
  check("buttons", await range(page), "everything: 530 µs");
  await page.mouse.click(700, await page.evaluate(() => overview.getBoundingClientRect().top + 10));
  for (let times = 0; times < 60; times++) await page.keyboard.press("+");
  check("there is a closest", await seen(page), 20);
});

await open("errors", "search", async (page) => {
  const calls = await page.evaluate(() => trace.calls);
  await page.keyboard.press("/");
  await page.keyboard.type("divide by zero");
  check("errors are found", await text(page, "#hits"), "4 hits");
  await page.keyboard.press("Enter");
  const first = await selected(page);
  check("the first", await text(page, "#hits"), "1 of 4");
  check("it is one that failed", await page.evaluate((call) => trace.state[call], first), 1);
  await page.keyboard.press("Enter");
  check("the second", await text(page, "#hits"), "2 of 4");
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  check("n", await text(page, "#hits"), "3 of 4");
  await page.keyboard.press("N");
  await page.keyboard.press("N");
  check("N", [await text(page, "#hits"), await selected(page)], ["1 of 4", first]);
  await page.keyboard.press("N");
  check("N around", await text(page, "#hits"), "4 of 4");
  await page.keyboard.press("Escape");
  check("the search is over", [await text(page, "#hits"), await page.locator("#query").inputValue()], ["", ""]);
  await page.locator("#query").fill("render-tile");
  const hits = await page.evaluate(() => [...Array(trace.calls).keys()].filter((call) => nameOf(trace, call) === "render-tile").length);
  check("names are found", await text(page, "#hits"), `${hits} hits`);
  check("and some are not", hits < calls, true);
  await page.locator("#query").fill("no such text");
  check("nothing is found", [await text(page, "#hits"), await page.locator("#next").isDisabled()], ["0 hits", true]);
  await page.locator("#query").fill("");
  await page.locator("#failed").click();
  check("the first that failed", await selected(page), first);
  await page.keyboard.press("e");
  check("the next", (await selected(page)) !== first, true);
});

await open("errors", "the tree by keys", async (page) => {
  const shown = () => page.evaluate(() => tree.shown.length);
  await page.locator("#tree").focus();
  await page.keyboard.press("ArrowDown");
  check("the first", await selected(page), 0);
  await page.keyboard.press("ArrowDown");
  check("the second", await selected(page), 1);
  const before = await shown();
  await page.keyboard.press("ArrowLeft");
  check("closed", [(await shown()) < before, await page.locator(".row[aria-selected=true]").getAttribute("aria-expanded")], [true, "false"]);
  await page.keyboard.press("ArrowRight");
  check("open again", await shown(), before);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  check("the parent", await selected(page), 0);
  await page.keyboard.press("*");
  check("all closed", await shown(), 1);
  await page.keyboard.press("*");
  await page.keyboard.press("End");
  check("the last is seen", await page.locator(".row[aria-selected=true]").isVisible(), true);
  const all = await seen(page);
  await page.keyboard.press("Enter");
  check("Enter zooms to it", (await seen(page)) < all / 2, true);
});

await open("errors", "help", async (page) => {
  await page.keyboard.press("?");
  check("help", await text(page, "#keys-title"), "Keys and mouse");
  await page.keyboard.press("Escape");
  check("it is gone", await page.locator("#keys").isVisible(), false);
});

const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const pixel = (page) =>
  page.evaluate(() => {
    const copy = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    copy.drawImage(chart, 0, 0);
    return copy.getImageData(2, 2, 1, 1).data.join(" ");
  });
const LIGHT = ["rgb(247, 247, 245)", "255 255 255 255"];
const DARK = ["rgb(19, 22, 27)", "25 29 36 255"];
for (const [scheme, first, second] of [["light", LIGHT, DARK], ["dark", DARK, LIGHT]]) {
  await open("errors", `${scheme} at first`, async (page) => {
    check(scheme, [await paper(page), await pixel(page)], first);
    await page.keyboard.press("t");
    await drawn(page);
    check("the other", [await paper(page), await pixel(page)], second);
    await page.locator("#theme").click();
    await drawn(page);
    check("back", [await paper(page), await pixel(page)], first);
    await page.keyboard.press("e");
  }, { scheme });
}

await open("hostile", "texts", async (page) => {
  check("title", await page.title(), "hostile");
  check("no markup", await page.locator("img").count(), 0);
  check("two scripts", await page.locator("script").count(), 2);
  check("the IR as a text", (await text(page, "#ir")).startsWith("</script><script>document.title='harm'"), true);
  await page.locator("#tree").focus();
  for (const key of ["Home", "End"]) {
    await page.keyboard.press(key);
    check("the name as a text", (await text(page, "#call h2")).startsWith("</script><script>document.title='harm'"), true);
    check("nothing that turns texts round", /[\u202a-\u202e\u2066-\u2069\0]/.test(await text(page, "main")), false);
  }
  check("what it wrote", (await text(page, "#call")).includes("WRITTEN TO STDOUT\n</script><script>document.title='harm'"), true);
  for (const key of ["Enter", "+", "-", "0", "e"]) await page.keyboard.press(key);
});

await open("nothing", "at all", async (page) => {
  check("summary", await text(page, "#summary"), "0 calls · no workers · 1 ns · 0 fuel");
  for (const key of ["+", "ArrowLeft", "n", "e", "Enter", "0"]) await page.keyboard.press(key);
  await page.locator("#tree").focus();
  for (const key of ["ArrowDown", "End", "*"]) await page.keyboard.press(key);
});

await open("one", "call", async (page) => {
  await clickOn(page, 0);
  check("selected", await selected(page), 0);
});

await open("chain", "of 5000", async (page) => {
  await page.locator("#tree").focus();
  await page.keyboard.press("End");
  await drawn(page);
  check("the deepest", [await selected(page), await page.locator(".row[aria-selected=true] .depth").innerText()], [4999, "4999"]);
  check("few rows are elements", (await page.locator(".row").count()) < 60, true);
  check("the way to it is short", (await text(page, "#call .path")).includes("… 4992 more …"), true);
});

await open("nested", "5000 rows", async (page) => {
  await page.mouse.move(40, 200);
  await page.mouse.wheel(0, 1e7);
  await drawn(page);
  check("the last row", await page.evaluate(() => yOf(view, 4999) + view.rowHeight <= chart.clientHeight), true);
  await clickOn(page, 4999);
  check("the last call", await selected(page), 4999);
}, { scheme: "dark" });

await open("errors", "narrow", async (page) => {
  check("nothing is wider than the window", await page.evaluate(() => document.documentElement.scrollWidth), 480);
  await page.locator(".row").nth(1).click();
  check("selected", await selected(page), 1);
}, { width: 480 });

/** Zooms in for a while, and out again, by a turn of the wheel for each frame; gives frames per second, and the longest frame in ms. */
const frames = (page) =>
  page.evaluate(async () => {
    const box = chart.getBoundingClientRect();
    const at = { clientX: box.left + box.width * 0.6, clientY: box.top + 60, bubbles: true, cancelable: true };
    const frame = () => new Promise(requestAnimationFrame);
    let [count, longest, last] = [0, 0, await frame()];
    const first = last;
    while (last - first < 4000) {
      const inwards = (last - first) % 2000 < 1000;
      chart.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: inwards ? -50 : 50 }));
      const now = await frame();
      longest = Math.max(longest, now - last);
      last = now;
      count++;
    }
    return { rate: Math.round((count * 1000) / (last - first)), longest: Math.round(longest) };
  });

for (const [name, what, prepare] of [
  ["large", "100,000 calls", async () => {}],
  ["large", "100,000 calls, of which some are found and one is selected", async (page) => {
    await page.locator("#query").fill("shade");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
  }],
  ["nested", "5,000 rows", async () => {}],
]) {
  await open(name, `zoom of ${what}`, async (page) => {
    await prepare(page);
    await page.keyboard.press("0");
    let { rate, longest } = await frames(page);
    // On a machine that does other things besides, once more.
    for (let times = 0; rate < 30 && times < 2; times++) ({ rate, longest } = await frames(page));
    console.log(`${what}: zoomed at ${rate} frames a second, the longest took ${longest} ms`);
    check(`${what}: at least 30 frames a second`, rate >= 30, true);
  });
}

await open("large", "100,000 calls in the tree", async (page) => {
  await page.locator("#tree").focus();
  const began = Date.now();
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await page.keyboard.press("*");
  await page.keyboard.press("*");
  await drawn(page);
  check("open again", await page.evaluate(() => tree.shown.length), 100000);
  console.log(`100,000 calls: to the end and back, closed and opened in ${Date.now() - began} ms`);
  await page.locator("#query").fill("shade");
  await page.keyboard.press("Enter");
});

await browser.close();
console.log(wrong ? `${wrong} things are not as expected` : "all pages do what they should");
process.exitCode = wrong ? 1 : 0;
