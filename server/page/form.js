// The request that is chosen: its parameters as fields, and its line for curl.

import { address, curl, defaults, storm } from "./address.js";
import { make, one, say } from "./elements.js";

export const CROWD = 20;

export class Form {
  #given = new Map(); // the values of each workload, which stay when its model changes

  /** `send(times)` is told when the form is to be sent. */
  constructor(send) {
    one("form").addEventListener("submit", (event) => {
      event.preventDefault();
      send(1);
    });
    one("crowd").textContent = `Run ${CROWD} at once`;
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
    one("request-name").replaceChildren(workload, make("small", {}, " under "), make("span", { "data-model": model, class: "model" }, model));
    one("doc").textContent = `${about.doc} ${aboutModel.doc ?? ""}`;
    one("fields").replaceChildren(...Object.entries(about.parameters).map(([name, one]) => this.#field(name, one, values)));
    this.#line();
  }

  /** Give values to a workload that need not be shown yet. */
  give(workload, values) {
    this.#given.set(workload, { ...this.#given.get(workload), ...values });
  }

  #field(name, about, values) {
    const { minimum, maximum, unit, doc, type, choices } = about;
    const bounds = minimum !== null && maximum !== null ? `${minimum} to ${maximum}` : "";
    const note = [bounds, unit].filter(Boolean).join(" ");
    const listen = (event) => {
      const { target } = event;
      values[name] = target.type === "checkbox" ? String(target.checked) : target.value;
      this.#line();
    };
    const shared = { id: `field-${name}`, name, input: listen, "aria-describedby": `note-${name}` };
    let input;
    if (choices) {
      input = make("select", shared, ...choices.map((one) => make("option", { value: one }, String(one))));
    } else if (type === "boolean") {
      input = make("input", { ...shared, type: "checkbox" });
      input.checked = values[name] === "true";
    } else {
      const number = type !== "string";
      input = make("input", { ...shared, type: number ? "number" : "text", min: minimum, max: maximum, step: type === "number" ? "any" : null });
    }
    if (input.type !== "checkbox") input.value = values[name];
    const help = [doc, note && `${note};`, `default ${about.default}`].filter(Boolean).join(" ");
    return make("div", { class: "field" },
      make("label", { for: `field-${name}` }, name, unit ? make("small", {}, ` ${unit}`) : ""),
      input,
      make("small", { id: `note-${name}` }, help),
    );
  }

  #line() {
    one("curl").textContent = curl(this.url);
    one("storm").textContent = storm(this.url, CROWD);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(one("curl").textContent);
      one("copy").textContent = "Copied";
      say("The curl line is copied.");
    } catch { // without https, or without leave: so that one key copies it
      getSelection().selectAllChildren(one("curl"));
      one("copy").textContent = "Selected";
    }
    setTimeout(() => { one("copy").textContent = "Copy"; }, 1500);
  }
}
