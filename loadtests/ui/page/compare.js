// Cells at the same offered rate, in turns or at once, as bars to scale and as a table.

import { fill, make, model, ms, none, number, place, poll, share, text, track } from "./live.js";

poll("compare.json", (data) => {
  const { rows } = data;
  text("about", about(data));
  place("figures").hidden = !rows.length;
  place("at-once").hidden = rows.length < 2 || data.turns !== null;
  bars(rows);
  fill("cells", rows.map((row) => [
    named(row.name),
    rated(row.offered),
    rated(row.achieved),
    share(row.good),
    ms(row.p50_ms),
    ms(row.p95_ms),
    ms(row.p99_ms),
    ms(row.health_p99_ms),
    number(row.seconds),
    failures(row.failures),
  ]));
});

function about({ scenario, load, slo, elapsed_s: elapsed, state, rows, turns }) {
  if (!rows.length) return "To compare models, select several in the form, and start the scenario compare.";
  const since = scenario === "steady" ? "since all users have started" : "since the start";
  const how = turns ? `each cell has turns of ${turns[0]} s alone, without their first ${turns[1]} s` : "all cells at once";
  const rate = load === "open" ? "the same rate for each" : "from clients that wait for each answer";
  return `${scenario}: ${how}, ${rate}; ${state}, ${number(elapsed)} s ${since}, or the last reset. ` +
    `In time means ${slo.replace(/^p[\d.]+</, "within ").replace(/(\d)([a-z])/, "$1 $2")}.`;
}

const rated = (value) => (value >= 100 ? number(value) : value.toFixed(1));

const failures = (counts) =>
  Object.entries(counts).map(([kind, count]) => `${number(count)} ${kind}`).join(", ") || none;

/** Write `primes/thread-pool` with the model's colour. */
function named(name) {
  const [workload, under] = name.split("/");
  return under ? make("span", {}, `${workload} / `, model(under)) : make("span", {}, name);
}

function bars(rows) {
  const mostRate = Math.max(1e-9, ...rows.map((row) => Math.max(row.offered, row.achieved)));
  const mostTime = Math.max(1e-9, ...rows.map((row) => row.p99_ms ?? 0));
  const head = make("div", { class: "cell soft small" },
    make("span", {}, "cell"),
    make("span", {}, "requests per second: in time, late, lost"),
    make("span", {}, "response time: p50, p95, p99"));
  const drawn = rows.map((row) => {
    const colour = `--colour: var(--model-${row.name.split("/")[1]}, var(--soft))`;
    return make("div", { class: "cell", style: colour },
      named(row.name), rate(row, mostRate), times(row, mostTime));
  });
  place("bars").replaceChildren(...(rows.length ? [head] : []), ...drawn);
}

const bar = (label, ...parts) => make("span", { class: "bar" }, ...parts, make("small", {}, label));

function rate({ offered, achieved, good: share }, most) {
  const width = (value) => `width: ${((100 * value) / most).toFixed(2)}%`;
  const good = (share ?? 0) * offered;
  return bar(`${rated(good)} of ${rated(offered)}/s in time`, track(
    ["lost", width(offered)],
    ["late", width(Math.max(good, Math.min(achieved, offered)))],
    ["in-time", width(good)]));
}

function times({ p50_ms: p50, p95_ms: p95, p99_ms: p99 }, most) {
  if (p99 === null) return bar("no correct answer");
  const percent = (value) => `${((100 * value) / most).toFixed(2)}%`;
  return bar(`${ms(p50)}, ${ms(p95)}, ${ms(p99)}`, track(
    ["span", `left: ${percent(p50)}; width: ${percent(p99 - p50)}`],
    ...[p50, p95, p99].map((time) => ["dot", `left: ${percent(time)}`])));
}

place("copy").addEventListener("click", () => {
  const selection = getSelection();
  selection.selectAllChildren(place("cells"));
  document.execCommand("copy"); // works without TLS, where navigator.clipboard is missing
  selection.removeAllRanges();
  place("copy").textContent = "Copied";
  setTimeout(() => (place("copy").textContent = "Copy the table"), 1500);
});
