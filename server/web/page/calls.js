// Requests of this page: sent, timed as their client sees it, and never more than five at once.
//
// A browser keeps six connections to one server, and one of them carries the heartbeat. So the rest
// wait here, where it can be seen, and the heartbeat waits for none of them.

const AT_ONCE = 5;

let running = 0;
const waiting = [];

/** Ask once; gives what came back, or `error` of type, message and hint, with the page's stamps. */
export async function ask(workload, model, url) {
  const call = { cell: `${workload}/${model}`, workload, model, url, asked: performance.now(), sent: 0, ended: 0, status: 0 };
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
  if (next) next(); // which takes over the place of this one
  else running--;
  return call;
}
