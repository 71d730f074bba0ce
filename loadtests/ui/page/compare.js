// Cells side by side at the same offered rate, as bars to scale and as a table.

import { fill, make, model, ms, none, number, poll, share } from "./live.js";

const at = (id) => document.getElementById(id);

poll("compare.json", (data) => {
  at("about").textContent = about(data);
  at("figures").hidden = !data.rows.length;
  bars(data.rows);
  const rows = [...data.rows, ...(data.bystander ? [data.bystander] : [])];
  fill(
    at("cells").tBodies[0],
    rows.map((row) => [
      named(row.name),
      rated(row.offered),
      rated(row.achieved),
      share(row.good),
      ms(row.p50_ms),
      ms(row.p95_ms),
      ms(row.p99_ms),
      failures(row.failures),
    ]),
  );
});

function about({ scenario, load, slo, elapsed_s: elapsed, state, rows }) {
  if (!rows.length) return "Start a load with several models to compare them here.";
  const since = scenario === "steady" ? "since all users have started" : "since the start";
  const rate = load === "open" ? "the same load offered to each" : "from clients that wait for each answer";
  return `${scenario}, ${rate}, ${state}; ${number(elapsed)} s ${since}, or the last reset. ` +
    `In time means ${slo.replace(/^p[\d.]+</, "within ")}.`;
}

const rated = (value) => (value >= 100 ? number(value) : value.toFixed(1));

const failures = (found) =>
  Object.entries(found).map(([kind, count]) => `${number(count)} ${kind}`).join(", ") || none;

/** Write `primes/thread-pool` with the model's colour. */
function named(name) {
  const [workload, under] = name.split("/");
  return under ? make("span", {}, `${workload} / `, model(under)) : make("span", {}, name);
}

function bars(rows) {
  const mostRate = Math.max(1e-9, ...rows.map((row) => Math.max(row.offered, row.achieved)));
  const mostTime = Math.max(1e-9, ...rows.map((row) => row.p99_ms ?? 0));
  const drawn = rows.map((row) => {
    const colour = `--colour: var(--model-${row.name.split("/")[1]}, var(--soft))`;
    const ended = row.offered;
    const good = (row.good ?? 0) * ended;
    return make(
      "div",
      { class: "cell", style: colour },
      named(row.name),
      rate(row, good, mostRate),
      times(row, mostTime),
    );
  });
  const head = make("div", { class: "cell soft small" },
    make("span", {}, "cell"),
    make("span", {}, "requests per second: in time, late, lost"),
    make("span", {}, "response time: p50, p95, p99"));
  at("bars").replaceChildren(...(rows.length ? [head] : []), ...drawn);
}

function rate(row, good, most) {
  const width = (value) => `width: ${((100 * value) / most).toFixed(2)}%`;
  const said = `${rated(good)} of ${rated(row.offered)}/s in time`;
  return make("span", { class: "bar" },
    make("span", { class: "track", "aria-hidden": "true" },
      make("i", { class: "lost", style: width(row.offered) }),
      make("i", { class: "late", style: width(Math.max(good, Math.min(row.achieved, row.offered))) }),
      make("i", { class: "in-time", style: width(good) })),
    make("small", {}, said));
}

function times(row, most) {
  if (row.p99_ms === null) return make("span", { class: "bar" }, make("small", {}, "no right answer"));
  const left = (value) => `left: ${((100 * value) / most).toFixed(2)}%`;
  const said = `${ms(row.p50_ms)}, ${ms(row.p95_ms)}, ${ms(row.p99_ms)}`;
  const from = (100 * row.p50_ms) / most;
  const to = (100 * row.p99_ms) / most;
  return make("span", { class: "bar" },
    make("span", { class: "track", "aria-hidden": "true" },
      make("i", { class: "span", style: `left: ${from}%; width: ${to - from}%` }),
      ...["p50_ms", "p95_ms", "p99_ms"].map((key) => make("i", { class: "dot", style: left(row[key]) }))),
    make("small", {}, said));
}

at("copy").addEventListener("click", () => {
  const selection = getSelection();
  selection.selectAllChildren(at("cells"));
  document.execCommand("copy"); // works without TLS, where navigator.clipboard is missing
  selection.removeAllRanges();
  at("copy").textContent = "Copied";
  setTimeout(() => (at("copy").textContent = "Copy the table"), 1500);
});
