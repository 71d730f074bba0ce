// The last answers, each as a bar with its stages, all on one scale.

import { make, milliseconds, named, byId } from "./elements.js";

const KEPT = 24;
const STAGES = {
  browser: ["sent late", "Until the browser had a connection free."],
  outside: ["waiting for the event loop", "On the network, and until the event loop had time."],
  queued: ["queued", "Until the model had room for it."],
  started: ["handed over", "From then until the work began."],
  cpu: ["computing", "On a core."],
  off: ["waiting in the work", "For I/O, a core, or the GIL."],
  ran: ["in the work (CPU unknown)"],
  resumed: ["handed back", "From its end back to the event loop."],
};

/** Split the time of a call into stages, in milliseconds, as its client saw it. */
function stages({ begun, sent, ended, ms }) {
  const browser = sent - begun;
  if (!ms) return { browser, outside: ended - sent };
  const { total, queued, started, ran, cpu, resumed } = ms;
  const work = cpu === null ? { ran } : { cpu: Math.min(cpu, ran), off: Math.max(0, ran - cpu) };
  return { browser, outside: Math.max(0, ended - sent - total), queued, started, ...work, resumed };
}

export class Answers {
  #shown = []; // newest first

  constructor() {
    const signs = Object.entries(STAGES).map(([name, [word, doc]]) =>
      doc ? make("span", { title: doc }, make("i", { class: name }), word) : "");
    byId("legend").replaceChildren(...signs);
  }

  /** Add an answer, and return its row, so that more can be added to it. */
  add(call) {
    byId("none").hidden = true;
    const parts = stages(call);
    const bars = Object.entries(parts).map(([name, ms]) => [make("i", { class: name }), ms]);
    const row = make("li", { "data-cell": call.cell, "data-status": call.status, "data-ran": call.ms?.ran, "data-url": call.url },
      title(call), make("div", { class: "bar", "aria-hidden": "true" }, ...bars.map(([bar]) => bar)), figures(call, parts));
    this.#shown.unshift({ row, bars, whole: call.ended - call.begun });
    for (const { row: old } of this.#shown.splice(KEPT)) old.remove();
    byId("rows").prepend(row);
    this.#scale();
    return row;
  }

  #scale() {
    const longest = Math.max(...this.#shown.map(({ whole }) => whole), 1e-3);
    for (const { bars } of this.#shown) {
      for (const [bar, ms] of bars) bar.style.width = `${(100 * ms) / longest}%`;
    }
  }
}

function title({ workload, model, url, begun, ended, status, error }) {
  return make("p", { class: "title" },
    make("span", {}, workload, make("small", {}, new URL(url).search)),
    named(model),
    error ? make("strong", {}, String(status || "no answer")) : "",
    make("b", {}, milliseconds(ended - begun)));
}

function figures({ error }, parts) {
  if (error) return make("p", { class: "facts" }, make("strong", {}, error.message), ` ${error.hint}`);
  const words = Object.entries(parts).map(([name, time]) => `${STAGES[name][0]} ${milliseconds(time)}`);
  return make("p", { class: "facts" }, words.join(" · "));
}
