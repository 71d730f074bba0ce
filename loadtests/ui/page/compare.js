// Cells side by side at the same offered rate, as bars to scale and as a table.

import { fill, make, model, ms, none, number, place, poll, share, text, track } from "./live.js";

poll("compare.json", (data) => {
  text("about", about(data));
  place("figures").hidden = !data.rows.length;
  bars(data.rows);
  const rows = [...data.rows, ...(data.bystander ? [data.bystander] : [])];
  fill("cells", rows.map((row) => [
    named(row.name),
    rated(row.offered),
    rated(row.achieved),
    share(row.good),
    ms(row.p50_ms),
    ms(row.p95_ms),
    ms(row.p99_ms),
    failures(row.failures),
  ]));
});

function about({ scenario, load, slo, elapsed_s: elapsed, state, rows }) {
  if (!rows.length) return "Start a load with several models to compare them here.";
  const since = scenario === "steady" ? "since all users have started" : "since the start";
  const rate = load === "open" ? "the same load offered to each" : "from clients that wait for each answer";
  return `${scenario}, ${rate}, ${state}; ${number(elapsed)} s ${since}, or the last reset. ` +
    `In time means ${slo.replace(/^p[\d.]+</, "within ")}.`;
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
