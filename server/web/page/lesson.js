// What the heartbeat shows: why it stopped, or why it did not, for each request.

import { STOPPED_MS } from "./beats.js";
import { make, milliseconds, named, byId } from "./elements.js";

// A heart that stops, visibly from the last row; then what work does to it.
const TRIALS = [["sleep", "inline", "ms", 2500], ...["inline", "thread-pool", "process-pool"].map((model) => ["count", model, "to"])];
const WHERE = {
  inline: "on the event loop itself, like any plain call. Until it ends, the loop does nothing else: no request, no timer, no health check.",
  async: "on the event loop: while it awaits something, the loop continues; while it computes, nothing else runs.",
};

function explain(workload, text) {
  byId("why").replaceChildren(make("code", {}, workload), text);
}

/** Offer the experiments that this server can run: `run(workload, model, values)`. */
export function offer({ workloads }, run) {
  const buttons = TRIALS.flatMap(([workload, model, parameter, given]) => {
    const about = workloads[workload], value = given ?? about?.parameters[parameter]?.maximum;
    if (!value || !about?.models.includes(model)) return [];
    const click = () => run(workload, model, { [parameter]: String(value) });
    return make("button", { type: "button", "data-trial": `${workload}/${model}`, click }, `${workload} ${parameter}=${value} under `, named(model));
  });
  byId("trials").replaceChildren(...buttons);
}

/** Explain what happens to the loop while a request runs. */
export function during(workload, model) {
  explain(workload, ` runs ${WHERE[model] ?? "outside the event loop, which continues if it gets a core and, in the same process, the GIL."}`);
}

/** Say what the loop did during a request, in its row and next to the trace. */
export async function after(call, row, heart) {
  const observed = await heart.beats.after(call.ended);
  const longest = observed ? heart.beats.longest(call.sent, call.ended) : null;
  if (longest === null) return;
  const stopped = longest > STOPPED_MS;
  const pause = milliseconds(longest);
  row.dataset.silence = Math.round(longest);
  row.lastChild.append(make("span", { class: stopped ? "silent" : "heard" }, stopped ? ` ♥ silent for ${pause}` : ` ♥ at most ${pause} between beats`));
  if (call.ms) explain(call.workload, ` ran for ${milliseconds(call.ms.ran)} under ${call.model}. ${outcome(call, heart.loop, stopped, pause)}`);
}

function outcome({ model, worker }, loop, stopped, pause) {
  const here = worker.pid === loop.pid && worker.thread === loop.thread;
  if (model === "inline" && !here) return `It blocked another event loop (${worker.thread} of ${worker.pid}) than the one shown here.`;
  if (stopped) return `The event loop was silent for ${pause}: every other request had to wait.`;
  if (model === "inline") return "The event loop did nothing else: too short to see here, but under load it adds up.";
  return `The event loop never paused for longer than ${pause}: it served other requests meanwhile.`;
}
