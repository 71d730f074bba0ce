// The cells: a row for each workload, a column for each model, and a button where they meet.

import { make, milliseconds, byId, prose } from "./elements.js";

const KINDS = { io: "I/O", cpu: "CPU", mixed: "mixed", payload: "payload", none: "" };
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Grid {
  #buttons = new Map();
  #lines = [];
  #chosen = null;

  /** Draw the cells of discovery; `press(workload, model)` is called for those that can run. */
  draw({ models, workloads }, press) {
    this.#buttons.clear();
    const names = Object.keys(models);
    const head = names.map((name) =>
      make("th", { scope: "col", "data-model": name, title: models[name].doc }, make("span", {}, name)));
    this.#lines = Object.entries(workloads).map(([workload, about]) =>
      names.map((model) => {
        const why = models[model].why ?? about.impossible[model] ?? null;
        return this.#button(workload, model, why, press);
      }));
    const rows = Object.entries(workloads).map(([name, { doc, kind }], i) =>
      make("tr", {},
        make("th", { scope: "row", title: doc }, name, make("small", {}, KINDS[kind] ?? kind)),
        ...this.#lines[i].map((button) => make("td", {}, button))));
    const top = make("thead", {}, make("tr", {}, make("td"), ...head));
    byId("grid").replaceChildren(top, make("tbody", {}, ...rows));
    this.#reach(this.#lines[0]?.[0]);
    byId("grid").onkeydown = (event) => this.#move(event);
  }

  #button(workload, model, why, press) {
    const cell = `${workload}/${model}`;
    const reason = why ? prose(`${workload} under ${model}: ${why}`) : [];
    const button = make("button", {
      type: "button",
      tabindex: "-1",
      title: why,
      "data-model": model,
      "data-cell": cell,
      "aria-disabled": why && "true",
      focus: () => byId("reason").replaceChildren(...reason),
      click: () => why || press(workload, model),
    });
    this.#buttons.set(cell, button);
    label(button, why ? "–" : "", why ? `cannot run: ${why}` : "run");
    return button;
  }

  /** Mark the chosen cell. */
  choose(workload, model) {
    this.#chosen?.removeAttribute("aria-current");
    this.#chosen = this.#buttons.get(`${workload}/${model}`);
    this.#chosen?.setAttribute("aria-current", "true");
    this.#reach(this.#chosen);
  }

  /** Show that a cell is running. */
  busy(cell) {
    const button = this.#count(cell, 1);
    if (button) label(button, "…", "running");
  }

  /** Show how long the last answer of a cell took, or how it failed. */
  answered({ cell, ms, status, error }) {
    const button = this.#count(cell, -1);
    if (!button) return; // the server was restarted without it
    button.toggleAttribute("data-failed", Boolean(error));
    if (error) return label(button, String(status || "gone"), `failed: ${error.message}`);
    const { total } = ms;
    label(button, milliseconds(total), `last answer in ${total} ms`);
  }

  #count(cell, more) {
    const button = this.#buttons.get(cell);
    if (button) button.dataset.busy = Math.max(0, Number(button.dataset.busy ?? 0) + more);
    return button;
  }

  #reach(button) {
    byId("grid").querySelector("button[tabindex='0']")?.setAttribute("tabindex", "-1");
    button?.setAttribute("tabindex", "0");
  }

  #move(event) {
    const step = STEPS[event.key];
    if (!step) return;
    const row = this.#lines.findIndex((line) => line.includes(event.target));
    const column = this.#lines[row]?.indexOf(event.target) ?? -1;
    const next = this.#lines[row + step[0]]?.[column + step[1]];
    if (!next) return;
    event.preventDefault();
    this.#reach(next);
    next.focus();
  }
}

function label(button, text, spoken) {
  button.textContent = text;
  button.setAttribute("aria-label", `${button.dataset.cell.replace("/", " under ")}: ${spoken}`);
}
