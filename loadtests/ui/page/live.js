// Shared by all our tabs: data each second, readable numbers, elements that keep their selection,
// and the theme and height of the page around them.

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const SLOWEST_MS = 15000;

/** Ask a relative address each `every` ms, less often while nothing answers, not at all while hidden.
 *  `show` gets the data. */
export function poll(address, show, every = EVERY_MS) {
  let pause = every;
  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
        if (!answer.ok) throw new Error(`it answers ${answer.status}`);
        const data = await answer.json();
        alarm(data.alarms);
        show(data);
        text("notice", "");
        pause = every;
      } catch (error) {
        pause = Math.min(2 * pause, SLOWEST_MS);
        text("notice", `Locust does not answer (${error.message}); trying again in ${pause / 1000} s.`);
      }
    }
    setTimeout(look, pause);
  }
  look();
}

/** Say what makes the figures doubtful. */
function alarm(sentences) {
  place("alarms").hidden = !sentences.length;
  renew(place("alarms"), sentences, () => sentences.map((words) => make("li", {}, words)));
}

export const place = (id) => document.getElementById(id);

/** Show a text, or hide its element if there is none; a selection in the same text survives. */
export function text(id, content) {
  const element = place(id);
  element.hidden = !content;
  if (content && element.textContent !== content) element.textContent = content;
}

/** Fill an element again only if its `key` has changed, so that a selection in it survives. */
export function renew(element, key, build) {
  const written = JSON.stringify(key);
  if (element.key === written) return;
  element.key = written;
  element.replaceChildren(...build());
}

export const none = "–";

/** Write a number with three significant digits and its unit; `–` if it is unknown. */
export function number(value, unit = "") {
  if (value == null) return none;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en") + unit;
  return value.toFixed(size >= 10 ? 1 : 2) + unit;
}

export const ms = (value) => number(value, " ms");

export function share(value) {
  if (value == null) return none;
  const percent = 100 * value;
  return `${percent >= 99.95 || percent < 0.05 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** Make an element: `make("td", { class: "number" }, "5", other)`. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Write a model's name with its colour beside it. */
export const model = (name) =>
  make("span", { class: "model", style: `--colour: var(--model-${name})` }, name);

/** A bar of parts, each with its class and style. */
export const track = (...parts) =>
  make("span", { class: "track", "aria-hidden": "true" },
    ...parts.map(([kind, style]) => make("i", { class: kind, style })));

/** Show figures in large print, each with its name. */
export function tiles(id, figures) {
  place(id).replaceChildren(...figures.map(([name, value]) =>
    make("div", {}, make("span", {}, name), make("b", {}, value))));
}

/** Fill the body of a table. Cells are texts or elements, and have the class of their column's head. */
export function fill(id, rows) {
  const body = place(id).tBodies[0];
  const heads = place(id).tHead.rows[0].cells;
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    cells.forEach((content, column) => {
      const cell = row.cells[column] ?? row.appendChild(make(column ? "td" : "th"));
      cell.className = heads[column].className;
      if (!column) cell.scope = "row";
      renew(cell, content.outerHTML ?? content, () => [content]);
    });
  });
}

// Locust keeps its choice of light or dark in the storage that both pages share.
function follow() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = localStorage.theme ?? (dark ? "dark" : "light");
}
addEventListener("storage", follow);
follow();

// The frame is as high as its page: the page around scrolls, and nothing in it.
if (window.frameElement) {
  document.documentElement.classList.add("framed");
  new ResizeObserver(() => {
    window.frameElement.style.height = `${Math.ceil(document.body.offsetHeight)}px`;
  }).observe(document.body);
}
