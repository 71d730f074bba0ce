// The cells: a row for each workload, a column for each model, a button for each of both.

import { make, milliseconds, one } from "./elements.js";

const KINDS = { io: "I/O", cpu: "CPU", mixed: "mixed", payload: "payload", none: "" };
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Grid {
  #buttons = new Map();
  #lines = [];
  #chosen = null;

  /** Draw the cells that discovery names; `press(workload, model)` is told of those that can run. */
  draw({ models, workloads }, press) {
    this.#buttons.clear();
    const names = Object.keys(models);
    const head = names.map((name) => make("th", { scope: "col", "data-model": name, title: models[name].doc }, make("span", {}, name)));
    this.#lines = Object.entries(workloads).map(([workload, about]) =>
      names.map((model) => {
        const why = models[model].why ?? about.impossible[model] ?? null;
        return this.#button(workload, model, why, press);
      }),
    );
    const rows = Object.entries(workloads).map(([name, about], i) =>
      make("tr", {},
        make("th", { scope: "row", title: about.doc }, name, make("small", {}, KINDS[about.kind] ?? about.kind)),
        ...this.#lines[i].map((button) => make("td", {}, button)),
      ),
    );
    one("grid").replaceChildren(
      make("thead", {}, make("tr", {}, make("td"), ...head)),
      make("tbody", {}, ...rows),
    );
    this.#lines[0]?.[0]?.setAttribute("tabindex", "0");
    one("grid").onkeydown = (event) => this.#move(event);
  }

  #button(workload, model, why, press) {
    const button = make("button", {
      type: "button",
      tabindex: "-1",
      title: why ?? `${workload} under ${model}`,
      "data-model": model,
      "data-cell": `${workload}/${model}`,
      "aria-disabled": why ? "true" : null,
      focus: () => { one("reason").textContent = why ? `${workload} under ${model}: ${why}` : ""; },
      click: () => why || press(workload, model),
    }, make("b", {}, model), make("i"));
    this.#buttons.set(`${workload}/${model}`, button);
    this.#tell(button, why ? "–" : "", why ? `cannot run: ${why}` : "run");
    return button;
  }

  #tell(button, text, spoken) {
    button.querySelector("i").textContent = text;
    button.setAttribute("aria-label", `${button.dataset.cell.replace("/", " under ")}: ${spoken}`);
  }

  /** Mark the cell that the request is for. */
  choose(workload, model) {
    this.#chosen?.removeAttribute("aria-current");
    this.#chosen = this.#buttons.get(`${workload}/${model}`);
    this.#chosen?.setAttribute("aria-current", "true");
    this.#reach(this.#chosen);
  }

  /** Show that a cell is asked. */
  busy({ workload, model }) {
    const button = this.#buttons.get(`${workload}/${model}`);
    if (!button) return;
    button.dataset.busy = Number(button.dataset.busy ?? 0) + 1;
    this.#tell(button, "…", "running");
  }

  /** Show what the last answer of a cell took, or how it failed. */
  answered({ workload, model, ms, status, error }) {
    const button = this.#buttons.get(`${workload}/${model}`);
    if (!button) return;
    button.dataset.busy = Math.max(0, Number(button.dataset.busy ?? 0) - 1);
    button.toggleAttribute("data-failed", Boolean(error));
    const text = ms ? milliseconds(ms.total) : String(status || "gone");
    const [figure, unit] = text.split(" ");
    this.#tell(button, unit === "ms" ? figure : text.replace(" ", ""), ms ? `last answer in ${text}` : `last answer ${text}`);
  }

  #reach(button) {
    if (!button) return;
    one("grid").querySelector("button[tabindex='0']")?.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
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
