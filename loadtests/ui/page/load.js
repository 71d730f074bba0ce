// The load second by second: offered, achieved, and in time.

import { chart } from "./chart.js";
import { fill, make, ms, none, number, place, poll, renew, text, tiles } from "./live.js";

const SHOWN_S = 120;
const ROWS = 12;
const OWN_RATE = "survival"; // the scenario that sets its rates itself

poll("load.json", (data) => {
  const { seconds, before } = data;
  const since = before - SHOWN_S;
  const open = data.load === "open" && data.scenario !== OWN_RATE;
  place("search").hidden = data.scenario !== "survival";
  text("about", about(data));
  if (!seconds.length) return;
  const recent = seconds.filter(({ at }) => at >= since);
  const line = (key) => recent.map((second) => [second.at - before, second[key]]);
  chart(place("rates"), {
    span: SHOWN_S,
    unit: "requests per second",
    lines: [
      { name: open ? "offered" : "sent", kind: "offered", points: line(open ? "users" : "offered") },
      { name: "achieved", kind: "achieved", points: line("achieved") },
      { name: "in time", kind: "good", points: line("good") },
      { name: "refused or failed", kind: "bad", points: line("lost") },
    ],
  });
  chart(place("times"), {
    span: SHOWN_S,
    unit: "ms",
    bound: data.bound_ms,
    boundName: data.slo,
    lines: [
      { name: "p50", kind: "good", points: line("p50_ms") },
      { name: "p99", kind: "achieved", points: line("p99_ms") },
      { name: "send lag p99", kind: "offered", points: line("lag_p99_ms") },
    ],
  });
  now(seconds.at(-1), open);
  rows(seconds.slice(-ROWS).reverse(), open);
  drifts(data.drifts);
});

function about({ scenario, load, slo, state, course, users, cells }) {
  if (!scenario) return "No test has started yet.";
  const phases = course.map(([rate, lasts]) => `${number(rate)}/s for ${number(lasts)} s`);
  const planned = phases.length > 6 ? [...phases.slice(0, 3), "…", phases.at(-1)] : phases;
  const now = users ? `${state}: ${offers(scenario, load, users, cells)}` : state;
  const summary = `${scenario}, ${now}; objective ${slo}.`;
  return planned.length ? `${summary} Planned: ${planned.join(", ")}.` : summary;
}

/** Say what the users are. */
function offers(scenario, load, users, cells) {
  if (scenario === OWN_RATE) return "it sets the load itself";
  if (load === "closed") return `${number(users)} users = ${number(users)} clients that wait for each answer`;
  const rate = `${number(users)} users = ${number(users)} requests per second`;
  if (cells < 2) return rate;
  return `${rate}, ${scenario === "compare" ? "to one cell at a time" : `${number(users / cells)} a cell`}`;
}

function now(last, open) {
  tiles("now", [
    [open ? "offered" : "sent", number(open ? last.users : last.offered, "/s")],
    ["achieved", number(last.achieved, "/s")],
    ["in time", number(last.good, "/s")],
    ["refused", number(last.refused, "/s")],
    ["failed", number(last.failed, "/s")],
    ["in flight", number(last.flying)],
    ["send lag p99", ms(last.lag_p99_ms)],
  ]);
}

function rows(seconds, open) {
  const counts = ["offered", "achieved", "good", "refused", "failed", "flying"];
  fill("seconds", seconds.map((second) => [
    new Date(1000 * second.at).toLocaleTimeString("en-GB"),
    open ? number(second.users) : none,
    ...counts.map((key) => number(second[key])),
    ms(second.p99_ms),
    ms(second.lag_p99_ms),
  ]));
}

function drifts(data) {
  place("soak").hidden = !data;
  if (!data) return;
  const sentences = [
    `p99 of correct answers: ${sentence(data.p99_ms, "ms")}`,
    `memory of the service: ${sentence(data.memory_mib, "MiB")}`,
  ];
  renew(place("drifts"), sentences, () => sentences.map((line) => make("p", {}, line)));
}

function sentence(drift, unit) {
  if (!drift) return "too early to say.";
  const [low, high] = drift.interval;
  const between = low === null ? "no interval yet" : `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const verdict = drift.distinguishable ? "significant" : "not significant";
  return `${drift.per_minute.toFixed(2)} ${unit} per minute (${between}): ${verdict}.`;
}
