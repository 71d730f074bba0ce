// The load second by second: offered, achieved, and in time.

import { chart } from "./chart.js";
import { fill, make, ms, none, number, poll } from "./live.js";

const SHOWN_S = 120;
const ROWS = 12;
const at = (id) => document.getElementById(id);

poll("load.json", (data) => {
  const { seconds, before } = data;
  const since = before - SHOWN_S;
  const open = data.load === "open" && data.scenario !== "surge";
  at("about").textContent = about(data);
  if (!seconds.length) return;
  const line = (key) =>
    seconds.filter((one) => one.at >= since).map((one) => [one.at - before, one[key]]);
  chart(at("rates"), {
    span: SHOWN_S,
    unit: "requests per second",
    lines: [
      { name: open ? "offered" : "sent", kind: "offered", points: line(open ? "users" : "offered") },
      { name: "achieved", kind: "achieved", points: line("achieved") },
      { name: "in time", kind: "good", points: line("good") },
      { name: "refused or failed", kind: "bad", points: line("lost") },
    ],
  });
  chart(at("times"), {
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

function about({ scenario, load, slo, state, course }) {
  if (!scenario) return "No test has started yet.";
  const what = load === "closed" ? "clients that wait for each answer" : "arrivals per second";
  const phases = course.map(([rate, lasts]) => `${number(rate)}/s for ${number(lasts)} s`);
  const planned = phases.length > 6 ? [...phases.slice(0, 3), "…", phases.at(-1)] : phases;
  const said = `${scenario}, ${load} load (users are ${what}), objective ${slo}; ${state}.`;
  return planned.length ? `${said} Planned: ${planned.join(", ")}.` : said;
}

function now(last, open) {
  const tiles = [
    ["offered", number(open ? last.users : last.offered), "/s"],
    ["achieved", number(last.achieved), "/s"],
    ["in time", number(last.good), "/s"],
    ["refused", number(last.refused), "/s"],
    ["failed", number(last.failed), "/s"],
    ["in flight", number(last.flying), ""],
    ["send lag p99", ms(last.lag_p99_ms), ""],
  ];
  at("now").replaceChildren(
    ...tiles.map(([name, value, unit]) =>
      make("div", {}, make("span", {}, name), make("b", {}, value + (value === none ? "" : unit))),
    ),
  );
}

function rows(seconds, open) {
  fill(
    at("seconds").tBodies[0],
    seconds.map((one) => [
      new Date(1000 * one.at).toLocaleTimeString("en-GB"),
      open ? number(one.users) : none,
      ...["offered", "achieved", "good", "refused", "failed", "flying"].map((key) =>
        number(one[key]),
      ),
      ms(one.p99_ms),
      ms(one.lag_p99_ms),
    ]),
  );
}

function drifts(found) {
  at("soak").hidden = !found;
  if (!found) return;
  const said = [
    ["p99 of correct answers", "ms", found.p99_ms],
    ["memory of the service", "MiB", found.memory_mib],
  ].map(([what, unit, drift]) => make("p", {}, `${what}: ${sentence(drift, unit)}`));
  at("drifts").replaceChildren(...said);
}

function sentence(drift, unit) {
  if (!drift) return "too early to say.";
  const [low, high] = drift.interval;
  const between = low === null ? "no interval yet" : `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const verdict = drift.distinguishable ? "significant" : "not significant";
  return `${drift.per_minute.toFixed(2)} ${unit} per minute (${between}): ${verdict}.`;
}
