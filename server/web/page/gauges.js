// The gauges of /events: loops, models and processes, with a chart of the last minute.

import { make, milliseconds, named, byId } from "./elements.js";

const KEPT = 60; // seconds
const SILENT_S = 0.6; // a loop publishes four times a second
const SVG = "http://www.w3.org/2000/svg";
const COUNTED = ["refused", "expired", "cancelled", "restarted", "lost", "abandoned"];

export class Gauges {
  #past = new Map();
  #seen = new Set();
  #before = null;

  /** Show the statistics of this second. */
  show(stats) {
    this.#seen.clear();
    byId("tables").replaceChildren(this.#loops(stats), this.#models(stats), this.#processes(stats));
    for (const name of this.#past.keys()) if (!this.#seen.has(name)) this.#past.delete(name);
    this.#before = stats;
  }

  #loops({ loops }) {
    const rows = loops.map(({ pid, thread, loop_lag_ms: lag, age_s }) => [
      make("span", {}, age_s > SILENT_S ? `silent for ${age_s.toFixed(1)} s` : thread, make("small", {}, ` ${pid}`)),
      milliseconds(lag.p50), milliseconds(lag.p99), this.#line(`${pid} ${thread}`, lag.p99),
    ]);
    return table("Lag of the event loop in the last 10 s", ["loop", "p50", "p99", "last minute"], rows);
  }

  #models({ models }) {
    const rows = Object.entries(models).filter(([, model]) => "slots" in model).map(([name, model]) => {
      const counts = COUNTED.filter((what) => model[what]).map((what) => `${model[what]} ${what}`);
      const slots = model.slots < 1000 ? model.slots : "any";
      return [named(name), `${model.busy} / ${slots}`, String(model.queued), this.#line(name, model.busy + model.queued), counts.join(", ") || "–"];
    });
    return table("Models", ["model", "busy / slots", "queued", "last minute", "since the start"], rows);
  }

  #processes({ processes, uptime_s }) {
    const passed = uptime_s - (this.#before?.uptime_s ?? uptime_s);
    const rows = processes.map(({ pid, role, cpu_s, rss_mib }) => {
      const before = this.#before?.processes.find((process) => process.pid === pid)?.cpu_s ?? cpu_s;
      const share = passed > 0 ? Math.max(0, (100 * (cpu_s - before)) / passed) : 0;
      return [make("span", {}, role, make("small", {}, ` ${pid}`)), `${share.toFixed(0)} %`, this.#line(pid, share, 100), `${rss_mib.toFixed(0)} MiB`];
    });
    return table("Processes", ["process", "CPU", "last minute", "memory"], rows);
  }

  /** Draw the last minute of a value, at least up to `top`. */
  #line(name, value, top = 1) {
    this.#seen.add(name);
    const past = this.#past.get(name) ?? [];
    past.push(value);
    if (past.length > KEPT) past.shift();
    this.#past.set(name, past);
    const most = Math.max(top, ...past);
    const points = past.map((height, i) => `${KEPT - past.length + i},${(15 - (14 * height) / most).toFixed(1)}`);
    const svg = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "polyline");
    svg.setAttribute("viewBox", `0 0 ${KEPT} 16`);
    svg.setAttribute("preserveAspectRatio", "none");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
    return svg;
  }
}

function table(name, columns, rows) {
  return make("table", {},
    make("caption", {}, name),
    make("thead", {}, make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)))),
    make("tbody", {}, ...rows.map(([first, ...others]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...others.map((cell) => make("td", {}, cell))))));
}
