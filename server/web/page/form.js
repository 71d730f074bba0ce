// The chosen request: its parameters as fields, and its curl command.

import { address, curl, defaults, storm } from "./address.js";
import { make, named, byId, prose } from "./elements.js";

const CROWD = 20;
const KINDS = { string: { type: "text" }, integer: { type: "number" }, number: { type: "number", step: "any" } };

export class Form {
  #given = new Map(); // the values of each workload, kept when the model changes

  /** `send(times)` is called when the form is submitted. */
  constructor(send) {
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      send(1);
    });
    byId("crowd").addEventListener("click", () => send(CROWD));
    byId("copy").addEventListener("click", () => this.#copy());
  }

  get url() {
    return address(this.workload, this.model, this.#given.get(this.workload));
  }

  /** Show a cell and what discovery says about it. */
  show(workload, model, about, aboutModel) {
    this.workload = workload;
    this.model = model;
    const values = { ...defaults(about.parameters), ...this.#given.get(workload) };
    this.#given.set(workload, values);
    byId("chosen").replaceChildren(workload, make("small", {}, " under "), named(model));
    byId("doc").replaceChildren(...prose(`${about.doc} ${aboutModel.doc}`));
    byId("fields").replaceChildren(...Object.entries(about.parameters).map(([name, parameter]) => this.#field(name, parameter, values)));
    this.#line();
  }

  /** Set values of a workload, whether or not it is shown. */
  give(workload, values) {
    this.#given.set(workload, { ...this.#given.get(workload), ...values });
  }

  #field(name, { type, choices, default: usual, minimum, maximum, unit, doc }, values) {
    const input = (event) => {
      values[name] = event.target.value;
      this.#line();
    };
    const shared = { id: `field-${name}`, name, input, "aria-describedby": `note-${name}` };
    const options = type === "boolean" ? [true, false] : choices;
    const field = options
      ? make("select", shared, ...options.map((option) => make("option", {}, String(option))))
      : make("input", { ...shared, ...KINDS[type], min: minimum, max: maximum });
    field.value = values[name];
    const bounds = maximum === null ? "" : `${minimum ?? "up"} to ${maximum};`;
    return make("div", { class: "field" },
      make("label", { for: `field-${name}` }, name, make("small", {}, unit && unit !== name ? ` ${unit}` : "")),
      field,
      make("small", { id: `note-${name}` }, `${doc} ${bounds} default ${usual}`));
  }

  #line() {
    byId("curl").textContent = curl(this.url);
    byId("storm").textContent = storm(this.url, CROWD);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(byId("curl").textContent);
      byId("copy").textContent = "Copied";
    } catch { // no https, or no permission: select it, so that one key copies it
      getSelection().selectAllChildren(byId("curl"));
      byId("copy").textContent = "Selected";
    }
    setTimeout(() => { byId("copy").textContent = "Copy"; }, 1500);
  }
}
