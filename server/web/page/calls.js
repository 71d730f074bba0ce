// Requests of this page, timed as their client sees them, at most five at once.
//
// A browser has six connections to a server, and one of them carries the heartbeat. Other requests
// wait here, where their wait can be shown, so that the heartbeat waits for none of them.

const AT_ONCE = 5;

let running = 0;
const waiting = [];

/** Send a request; resolves to the answer, or `error` with type, message and hint, with times. */
export async function ask(workload, model, url) {
  const call = { cell: `${workload}/${model}`, workload, model, url, begun: performance.now(), sent: 0, ended: 0, status: 0 };
  if (running >= AT_ONCE) await new Promise((turn) => waiting.push(turn));
  else running++;
  call.sent = performance.now();
  try {
    const response = await fetch(url, { cache: "no-store" });
    call.status = response.status;
    const body = await response.json();
    call.ended = performance.now();
    if (response.ok) Object.assign(call, { ms: body.ms, worker: body.worker, result: body.result });
    else call.error = body.error;
  } catch (error) {
    call.ended = performance.now();
    call.error = { type: "no answer", message: String(error.message), hint: "Is the server still there?" };
  }
  const next = waiting.shift();
  if (next) next(); // it takes over the place of this request
  else running--;
  return call;
}
