// Shared by all our tabs: data each second, readable numbers, table rows that keep their selection,
// and the theme and height of the page around them.

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const SLOWEST_MS = 15000;

/** Ask a relative address each `every` ms, less often while nothing answers, not at all while hidden.
 *  `show` gets the data; `lost` gets null, or why there was no answer. */
export function poll(address, show, lost = notice, every = EVERY_MS) {
  let pause = every;
  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
        if (!answer.ok) throw new Error(`it answers ${answer.status}`);
        show(await answer.json());
        lost(null);
        pause = every;
      } catch (error) {
        pause = Math.min(2 * pause, SLOWEST_MS);
        lost(`Locust does not answer (${error.message}); trying again in ${pause / 1000} s.`);
      }
    }
    setTimeout(look, pause);
  }
  look();
}

/** Show a message above everything, or remove it with null. */
export function notice(text) {
  const place = document.getElementById("notice");
  place.hidden = !text;
  if (text && place.textContent !== text) place.textContent = text;
}

export const none = "–";

/** Write a number with three significant digits; `–` if it is unknown. */
export function number(value) {
  if (value === null || value === undefined) return none;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 10 ? 1 : 2);
}

export const ms = (value) => (value === null || value === undefined ? none : `${number(value)} ms`);

export function share(value) {
  if (value === null || value === undefined) return none;
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
export function model(name) {
  return make("span", { class: "model", style: `--colour: var(--model-${name})` }, name);
}

/** Fill the body of a table. Cells are texts or elements, of the class that their column's head
 *  has; a cell whose text stays the same is not touched, so that a selection in it survives. */
export function fill(body, rows) {
  const heads = body.parentNode.tHead.rows[0].cells;
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach((content, column) => {
      const cell = row.cells[column] ?? row.appendChild(make(column ? "td" : "th"));
      cell.className = heads[column].className;
      if (!column) cell.scope = "row";
      const words = content.outerHTML ?? content;
      if (cell.words === words) return;
      cell.words = words;
      cell.replaceChildren(content);
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
