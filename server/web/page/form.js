// The request that is chosen: its parameters as fields, and its line for curl.

import { address, curl, defaults, storm } from "./address.js";
import { make, named, one, prose } from "./elements.js";

const CROWD = 20;
const KINDS = { string: { type: "text" }, integer: { type: "number" }, number: { type: "number", step: "any" } };

export class Form {
  #given = new Map(); // the values of each workload, which stay when its model changes

  /** `send(times)` is told when the form is to be sent. */
  constructor(send) {
    one("form").addEventListener("submit", (event) => {
      event.preventDefault();
      send(1);
    });
    one("crowd").addEventListener("click", () => send(CROWD));
    one("copy").addEventListener("click", () => this.#copy());
  }

  get url() {
    return address(this.workload, this.model, this.#given.get(this.workload));
  }

  /** Show a cell, of which discovery says these things. */
  show(workload, model, about, aboutModel) {
    this.workload = workload;
    this.model = model;
    const values = { ...defaults(about.parameters), ...this.#given.get(workload) };
    this.#given.set(workload, values);
    one("chosen").replaceChildren(workload, make("small", {}, " under "), named(model));
    one("doc").replaceChildren(...prose(`${about.doc} ${aboutModel.doc}`));
    one("fields").replaceChildren(...Object.entries(about.parameters).map(([name, one]) => this.#field(name, one, values)));
    this.#line();
  }

  /** Give values to a workload that need not be shown yet. */
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
      ? make("select", shared, ...options.map((one) => make("option", {}, String(one))))
      : make("input", { ...shared, ...KINDS[type], min: minimum, max: maximum });
    field.value = values[name];
    const bounds = maximum === null ? "" : `${minimum ?? "up"} to ${maximum};`;
    return make("div", { class: "field" },
      make("label", { for: `field-${name}` }, name, make("small", {}, unit && unit !== name ? ` ${unit}` : "")),
      field,
      make("small", { id: `note-${name}` }, `${doc} ${bounds} default ${usual}`));
  }

  #line() {
    one("curl").textContent = curl(this.url);
    one("storm").textContent = storm(this.url, CROWD);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(one("curl").textContent);
      one("copy").textContent = "Copied";
    } catch { // without https, or without leave: so that one key copies it
      getSelection().selectAllChildren(one("curl"));
      one("copy").textContent = "Selected";
    }
    setTimeout(() => { one("copy").textContent = "Copy"; }, 1500);
  }
}
