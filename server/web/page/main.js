// The page: what the server has, what is chosen, and what the answers are.

import { Answers } from "./answers.js";
import { ask } from "./calls.js";
import { milliseconds, byId, say } from "./elements.js";
import { Form } from "./form.js";
import { Gauges } from "./gauges.js";
import { Grid } from "./grid.js";
import { Heart } from "./heart.js";
import { after, during, offer } from "./lesson.js";
import { listen } from "./stream.js";

const FIRST = ["primes", "process-pool"];

const heart = new Heart();
const gauges = new Gauges();
const answers = new Answers();
const grid = new Grid();
const form = new Form(send);
let discovery = null;
let drawn = ""; // the same, as text

function choose(workload, model) {
  form.show(workload, model, discovery.workloads[workload], discovery.models[model]);
  grid.choose(workload, model);
}

function send(times) {
  const { workload, model, url } = form;
  during(workload, model);
  for (let i = 0; i < times; i++) sendOne(workload, model, url);
}

async function sendOne(workload, model, url) {
  grid.busy(`${workload}/${model}`);
  const call = await ask(workload, model, url);
  grid.answered(call);
  const row = answers.add(call);
  say(`${workload} under ${model}: ${call.error ? call.error.message : milliseconds(call.ms.total)}`);
  await after(call, row, heart);
}

function press(workload, model) {
  choose(workload, model);
  send(1);
}

function attempt(workload, model, values) {
  form.give(workload, values);
  press(workload, model);
}

/** Fetch discovery, and draw the page again if it has changed, e.g. after a restart. */
async function discover() {
  const text = await (await fetch(".", { headers: { Accept: "application/json" }, cache: "no-store" })).text();
  if (text === drawn) return;
  drawn = text;
  discovery = JSON.parse(text);
  grid.draw(discovery, press);
  offer(discovery, attempt);
  byId("runtime").textContent = about(discovery.runtime);
  const all = Object.entries(discovery.workloads).map(([name, { models }]) => [name, models[0]]);
  const wanted = [[form.workload, form.model], FIRST, ...all];
  const first = wanted.find(([name, model]) => discovery.workloads[name]?.models.includes(model));
  if (first) choose(...first);
}

function about({ python, gil, loop, cores, workers, loops, threads, processes, admission }) {
  const several = workers * loops > 1 ? `${workers * loops} event loops` : "one event loop";
  return `Python ${python}${gil ? "" : " without GIL"} · ${several} (${loop}) · ${cores} cores · pools of ${threads} threads and ${processes} processes · admission: ${admission}`;
}

listen({
  opened: () => discover().catch(() => {}), // the server is gone again, and the stream will notice
  beat: (beat) => heart.beat(beat),
  stats: (stats) => gauges.show(stats),
  lost: () => heart.lost(),
  hidden: () => heart.hidden(),
});
