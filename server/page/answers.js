// The last answers: each as a bar on which its stages are drawn, all on one scale.

import { make, milliseconds, one } from "./elements.js";

const KEPT = 24;
const STAGES = {
  browser: ["in the browser", "Until one of the browser's connections was free."],
  outside: ["outside", "What the client saw and the handler did not: the way there and back, and until the event loop took the request."],
  queued: ["queued", "Until the model had a place for it."],
  started: ["started", "From then until the work began."],
  cpu: ["on CPU", "Of the time that it ran, on a core."],
  off: ["off CPU", "Of the time that it ran, waiting: for I/O, for a core, or for the GIL."],
  resumed: ["resumed", "From the end of the work back to the event loop."],
};

/** Take the time of a call apart, in milliseconds, as its client saw it. */
function stages({ asked, sent, ended, ms }) {
  const browser = sent - asked;
  if (!ms) return { browser, outside: ended - sent };
  const cpu = Math.min(ms.cpu ?? 0, ms.ran);
  return {
    browser,
    outside: Math.max(0, ended - sent - ms.total),
    queued: ms.queued,
    started: ms.started,
    cpu,
    off: ms.ran - cpu,
    resumed: ms.resumed,
  };
}

export class Answers {
  #shown = []; // newest first

  constructor() {
    const signs = Object.entries(STAGES).map(([name, [word, doc]]) =>
      make("span", { title: doc }, make("i", { class: `stage ${name}` }), word));
    one("legend").replaceChildren(...signs);
  }

  /** Add an answer, and give its row, to which more can be said. */
  add(call) {
    one("none").hidden = true;
    const parts = stages(call);
    const bars = Object.entries(parts).map(([name, ms]) => [make("i", { class: `stage ${name}` }), ms]);
    const row = make("li", {
      "data-status": call.status,
      "data-cell": `${call.workload}/${call.model}`,
      "data-ran": call.ms?.ran,
      "data-url": call.url,
    }, this.#title(call), make("div", { class: "bar", "aria-hidden": "true" }, ...bars.map(([bar]) => bar)), this.#figures(call, parts));
    this.#shown.unshift({ row, bars, whole: call.ended - call.asked });
    for (const { row: old } of this.#shown.splice(KEPT)) old.remove();
    one("rows").prepend(row);
    this.#scale();
    return row;
  }

  #scale() {
    const longest = Math.max(...this.#shown.map(({ whole }) => whole), 1e-3);
    for (const { bars } of this.#shown) {
      for (const [bar, ms] of bars) bar.style.width = `${(100 * ms) / longest}%`;
    }
  }

  #title({ workload, model, url, asked, ended, status, error }) {
    return make("p", { class: "title" },
      make("span", {}, workload, make("small", {}, new URL(url).search)),
      make("span", { class: "model", "data-model": model }, model),
      error ? make("strong", {}, String(status || "no answer")) : "",
      make("b", {}, milliseconds(ended - asked)),
    );
  }

  #figures({ error, ms }, parts) {
    if (error) {
      return make("p", { class: "error" }, make("strong", {}, error.message), " ", error.hint);
    }
    const told = Object.entries(parts).filter(([name, time]) => time > 0 || name === "queued");
    const words = told.map(([name, time]) =>
      name === "off" && ms.cpu === null
        ? `ran ${milliseconds(time)} (CPU not told apart)`
        : name === "cpu" && ms.cpu === null ? "" : `${STAGES[name][0]} ${milliseconds(time)}`);
    return make("p", { class: "figures" }, words.filter(Boolean).join(" · "));
  }
}
