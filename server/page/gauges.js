// The gauges of /events: loops, models and processes, with the last minute of what moves.

import { make, milliseconds, one } from "./elements.js";

const KEPT = 60; // seconds
const SVG = "http://www.w3.org/2000/svg";
const COUNTED = ["refused", "expired", "cancelled", "restarted", "lost", "abandoned"];

export class Gauges {
  #past = new Map();
  #before = null;

  /** Show the statistics of this second. */
  show(stats) {
    one("tables").replaceChildren(this.#loops(stats), this.#models(stats), this.#processes(stats));
    this.#before = { at: stats.uptime_s, cpu: new Map(stats.processes.map((one) => [one.pid, one.cpu_s])) };
    const known = new Set(this.#seen);
    for (const name of this.#past.keys()) if (!known.has(name)) this.#past.delete(name);
    this.#seen = [];
  }
  #seen = [];

  #loops({ loops }) {
    const rows = loops.map(({ pid, thread, loop_lag_ms: lag, age_s }) => [
      age_s > 0.6 ? `silent for ${age_s.toFixed(1)} s` : loops.length > 1 ? `${thread} of ${pid}` : "now",
      milliseconds(lag.p50), milliseconds(lag.p99), this.#line(`loop ${pid} ${thread}`, lag.p99),
    ]);
    return table("Event loop lag", ["the last 10 s", "p50", "p99", "a minute of p99"], rows);
  }

  #models({ models }) {
    const rows = Object.entries(models).filter(([, one]) => "slots" in one).map(([name, one]) => {
      const counts = COUNTED.filter((what) => one[what]).map((what) => `${one[what]} ${what}`);
      const slots = one.slots >= 1000 ? "∞" : one.slots;
      return [
        make("span", { class: "model", "data-model": name }, name),
        `${one.busy} / ${slots}`, String(one.queued), this.#line(`model ${name}`, one.busy + one.queued),
        counts.join(", ") || "–",
      ];
    });
    return table("Models", ["model", "busy / slots", "queued", "both, a minute", "since the start"], rows);
  }

  #processes({ processes, uptime_s }) {
    const passed = uptime_s - (this.#before?.at ?? uptime_s);
    const rows = processes.map(({ pid, role, cpu_s, rss_mib }) => {
      const before = this.#before?.cpu.get(pid) ?? cpu_s;
      const share = passed > 0 ? Math.max(0, (100 * (cpu_s - before)) / passed) : 0;
      return [make("span", {}, role, make("small", {}, ` ${pid}`)), `${share.toFixed(0)} %`, this.#line(`process ${pid}`, share, 100), `${rss_mib.toFixed(0)} MiB`];
    });
    return table("Processes", ["process", "CPU", "a minute", "memory"], rows);
  }

  /** Draw the last minute of a value, at least up to `top`. */
  #line(name, value, top = 1) {
    this.#seen.push(name);
    const past = this.#past.get(name) ?? [];
    past.push(value);
    if (past.length > KEPT) past.shift();
    this.#past.set(name, past);
    const most = Math.max(top, ...past);
    const points = past.map((one, i) => `${KEPT - past.length + i},${(15 - (14 * one) / most).toFixed(1)}`);
    const svg = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "polyline");
    svg.setAttribute("viewBox", `0 0 ${KEPT} 16`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
    return svg;
  }
}

function table(name, columns, rows) {
  return make("table", {},
    make("caption", {}, name),
    make("thead", {}, make("tr", {}, ...columns.map((one) => make("th", { scope: "col" }, one)))),
    make("tbody", {}, ...rows.map(([first, ...others]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...others.map((one) => make("td", {}, one))))),
  );
}
