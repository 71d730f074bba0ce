// What the heartbeat teaches: why it stopped, or why it went on, said of the request at hand.

import { STOPPED_MS } from "./beats.js";
import { make, milliseconds, named, one } from "./elements.js";

const EXPERIMENT = "count";
const CONTRAST = ["inline", "process-pool"];
const WHERE = {
  inline: "on the event loop itself, as a plain call does. Until it ends, the loop serves nobody: no other request, no timer, no health check.",
  async: "on the event loop: while it awaits something the loop goes on, while it computes nobody is served.",
};

function explain(workload, text) {
  one("why").replaceChildren(make("code", {}, workload), text);
}

/** Offer the experiment, where this server can run it: `run(workload, model, values)`. */
export function offer({ workloads }, run) {
  const about = workloads[EXPERIMENT];
  const to = about?.parameters.to?.maximum;
  const buttons = CONTRAST.filter((model) => to && about.models.includes(model)).map((model) =>
    make("button", { type: "button", "data-trial": model, click: () => run(EXPERIMENT, model, { to: String(to) }) },
      `count to ${to.toLocaleString("en")} under `, named(model)));
  one("trials").replaceChildren(...buttons);
}

/** Say what happens to the loop while a request runs. */
export function during(workload, model) {
  explain(workload, ` runs ${WHERE[model] ?? "beside the event loop, which goes on if it gets a core – and, in the same process, the GIL."}`);
}

/** Say what has become of the loop, in the row of a request that has ended and beside the trace. */
export async function after(call, row, heart) {
  const heard = await heart.beats.after(call.ended);
  const longest = heard ? heart.beats.longest(call.sent, call.ended) : null;
  if (longest === null) return;
  const stopped = longest > STOPPED_MS;
  const pause = milliseconds(longest);
  row.dataset.silence = Math.round(longest);
  row.lastChild.append(make("span", { class: stopped ? "silent" : "heard" }, stopped ? ` ♥ silent for ${pause}` : ` ♥ at most ${pause} between beats`));
  if (call.ms) explain(call.workload, ` ran for ${milliseconds(call.ms.ran)} under ${call.model}. ${outcome(call, heart.loop, stopped, pause)}`);
}

function outcome({ model, worker }, loop, stopped, pause) {
  const here = worker.pid === loop.pid && worker.thread === loop.thread;
  if (model === "inline" && !here) return `It blocked another event loop (${worker.thread} of ${worker.pid}) than the one heard here: this service has several.`;
  if (stopped) return `The event loop was silent for ${pause}: whoever else asked has waited for as long.`;
  if (model === "inline") return "The event loop did nothing else: too short to be seen here, but under load it adds up.";
  return `The event loop never paused for longer than ${pause}: everybody else was served meanwhile.`;
}
