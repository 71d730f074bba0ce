// The survival matrix: a button for each cell, so that a mouse and a keyboard can choose one.

import { make, model, place, renew } from "./live.js";

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const RATE = "requests per second";
const SPOKEN = {
  waiting: () => "waiting",
  measuring: ({ figure }) => (figure === "…" ? "being measured" : `being measured, so far ${figure} ${RATE}`),
  limit: ({ figure }) => `${figure} ${RATE}, at the generator’s limit`,
  beyond: () => "being measured beyond its capacity",
  unavailable: () => "not available",
  unfinished: ({ figure }) => figure,
};

/** Draw all cells; `choose` is called with the index of the selected cell. */
export function drawMatrix(run, choose) {
  const table = place("matrix");
  renew(table.tHead, run.workloads, () => {
    const heads = run.workloads.map((name) => make("th", { scope: "col" }, name));
    return [make("tr", {}, make("th", {}, "req/s"), ...heads)];
  });
  renew(table.tBodies[0], [run.started, run.rows, run.workloads], () =>
    run.rows.map((row) => line(row, run, choose)));
  table.onkeydown = (event) => move(table, event);
  run.cells.forEach((cell, index) => update(table.querySelector(`[data-cell="${index}"]`), run, cell, index));
  const notes = run.notes.map((note, at) => [make("sup", {}, String(at + 1)), ` ${note}`]);
  if (run.cells.some((cell) => cell.best)) notes.unshift(["★ best, or statistically tied with it"]);
  renew(place("notes"), [notes.length, run.notes], () => notes.map((note) => make("div", {}, ...note)));
}

function line({ row, model: name }, run, choose) {
  const cells = run.workloads.map((workload) => {
    const index = run.cells.findIndex((cell) => cell.row === row && cell.workload === workload);
    if (index < 0) return make("td");
    const button = make("button", { type: "button", "data-cell": index });
    button.addEventListener("click", () => choose(index));
    return make("td", {}, button);
  });
  return make("tr", {}, make("th", { scope: "row" }, model(name), row.slice(name.length)), ...cells);
}

function update(button, run, cell, index) {
  button.setAttribute("aria-pressed", run.shown.index === index);
  renew(button, [cell, run.notes], () => {
    button.className = [cell.state, cell.best && "best", cell.offered && "offered"].filter(Boolean).join(" ");
    const note = cell.note ? run.notes[cell.note - 1] : "";
    const state = SPOKEN[cell.state]?.(cell) ?? `${cell.figure} ${RATE}`;
    const label = [state, cell.small, note].filter(Boolean).join(", ");
    const best = cell.best ? ", best" : "";
    button.setAttribute("aria-label", `${cell.workload} under ${cell.row}${best}: ${label}`);
    const mark = cell.note ? make("sup", {}, String(cell.note)) : "";
    return [
      make("span", { class: "figure" }, cell.best ? "★ " : "", cell.figure, mark),
      make("small", {}, cell.small),
    ];
  });
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
