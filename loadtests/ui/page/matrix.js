// The survival matrix: a button for each cell, so that a mouse and a keyboard can choose one.

import { make, model } from "./live.js";

const MARKS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const SPOKEN = {
  waiting: "waiting",
  searching: "being measured",
  beyond: "being measured beyond its capacity",
  absent: "not available",
  failed: "no result",
};

/** Draw all cells; `choose` is called with the index of the selected cell. */
export function draw(run, choose) {
  const table = document.getElementById("matrix");
  const shape = JSON.stringify([run.started, run.rows, run.workloads]);
  if (table.dataset.shape !== shape) build(table, run, choose);
  table.dataset.shape = shape;
  run.cells.forEach((cell, index) => update(table, run, cell, index));
  explain(run);
}

function build(table, run, choose) {
  const heads = run.workloads.map((name) => make("th", { scope: "col" }, name));
  table.tHead.replaceChildren(make("tr", {}, make("th", {}, "req/s"), ...heads));
  table.tBodies[0].replaceChildren(...run.rows.map((row) => line(row, run, choose)));
  table.onkeydown = (event) => move(table, event);
}

function line({ row, model: name }, run, choose) {
  const head = make("th", { scope: "row" }, model(name));
  if (row !== name) head.append(row.slice(name.length));
  const cells = run.workloads.map((workload) => {
    const index = run.cells.findIndex((one) => one.row === row && one.workload === workload);
    if (index < 0) return make("td");
    const button = make("button", { type: "button", "data-cell": index });
    button.addEventListener("click", () => choose(index));
    return make("td", {}, button);
  });
  return make("tr", {}, head, ...cells);
}

function update(table, run, cell, index) {
  const button = table.querySelector(`[data-cell="${index}"]`);
  button.setAttribute("aria-pressed", run.shown.index === index);
  const words = JSON.stringify(cell);
  if (button.words === words) return;
  button.words = words;
  button.className = `${cell.state}${cell.best ? " best" : ""}`;
  const mark = cell.note ? make("sup", {}, String(cell.note)) : "";
  button.replaceChildren(
    make("span", { class: "figure" }, cell.best ? "★ " : "", cell.figure, mark),
    make("small", {}, cell.small),
  );
  const note = cell.note ? run.notes[cell.note - 1] : "";
  const said = [SPOKEN[cell.state] ?? `${cell.figure} requests per second`, cell.small, note];
  const best = cell.best ? ", best" : "";
  const name = `${cell.workload} under ${cell.row}${best}: ${said.filter(Boolean).join(", ")}`;
  button.setAttribute("aria-label", name);
}

/** Let the arrow keys go from cell to cell. */
function move(table, event) {
  const step = STEPS[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  const row = table.rows[cell.parentNode.rowIndex + step[0]];
  const next = row?.cells[cell.cellIndex + step[1]]?.querySelector("button");
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function explain(run) {
  const lines = run.notes.map((note, at) => `${mark(at + 1)} ${note}`);
  if (run.cells.some((cell) => cell.best)) lines.unshift("★ best, or statistically tied with it");
  const place = document.getElementById("notes");
  if (place.words === lines.join()) return;
  place.words = lines.join();
  place.replaceChildren(...lines.map((line) => make("div", {}, line)));
}

const mark = (number) => [...String(number)].map((digit) => MARKS[digit]).join("");
