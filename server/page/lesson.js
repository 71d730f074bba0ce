// What the heartbeat teaches: why it stopped, or why it went on, said of the request at hand.

import { STOPPED_MS } from "./beats.js";
import { make, milliseconds, one } from "./elements.js";

const EXPERIMENT = "count";
const CONTRAST = ["inline", "process-pool"];
const code = (text) => make("code", {}, text);

/** Offer the experiment, where this server can run it: `run(workload, model, values)`. */
export function offer({ workloads }, run) {
  const about = workloads[EXPERIMENT];
  const to = about?.parameters.to?.maximum;
  const models = CONTRAST.filter((model) => to && about.models.includes(model));
  const buttons = models.map((model) =>
    make("button", { type: "button", "data-model": model, "data-trial": model, click: () => run(EXPERIMENT, model, { to: String(to) }) },
      `count to ${to.toLocaleString("en")} under `, make("span", { class: "model", "data-model": model }, model)));
  one("trials").replaceChildren(...(buttons.length ? ["Try it: ", ...buttons] : []));
}

/** Say what happens to the loop while a request runs. */
export function during({ workload, model }) {
  const where = {
    inline: " runs on the event loop itself, as a plain call does. Until it ends, the loop serves nobody: no other request, no timer, no health check.",
    async: " awaits on the event loop: while it waits, the loop goes on, and while it computes, nobody is served.",
  };
  const elsewhere = ` runs under ${model}, beside the event loop, which goes on if it gets a core – and, in the same process, the GIL.`;
  one("why").replaceChildren(code(workload), where[model] ?? elsewhere);
}

/** Say what has become of the loop: in its row, and beside the trace. Gives the longest silence. */
export async function after(call, row, heart) {
  const heard = await heart.beats.after(call.ended);
  const longest = heard ? heart.beats.longest(call.sent, call.ended) : null;
  if (longest === null || !call.ms) return;
  row.dataset.silence = Math.round(longest);
  const stopped = longest > STOPPED_MS;
  const elsewhere = call.model === "inline" && !sameLoop(call.worker, heart.loop);
  const text = elsewhere
    ? `another event loop ran it (pid ${call.worker.pid}, ${call.worker.thread}): this page hears that of pid ${heart.loop.pid}, ${heart.loop.thread}`
    : stopped ? `♥ the event loop was silent for ${milliseconds(longest)}` : `♥ the event loop went on: at most ${milliseconds(longest)} between two beats`;
  row.append(make("p", { class: stopped ? "heard silent" : "heard" }, text));
  if (elsewhere) return one("why").replaceChildren("This service has several event loops: ", text, ".");
  const ran = ` ran for ${milliseconds(call.ms.ran)} under ${call.model}, and the event loop `;
  const end = stopped
    ? `was silent for ${milliseconds(longest)}: whoever else asked has waited.`
    : `never paused for longer than ${milliseconds(longest)}: everybody else was served meanwhile.`;
  one("why").replaceChildren(code(call.workload), ran, end);
}

function sameLoop(worker, loop) {
  return worker.pid === loop.pid && worker.thread === loop.thread;
}
