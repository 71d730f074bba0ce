// The gauges of the service, and whether it answers at all.

import { chart } from "./chart.js";
import { fill, make, model, ms, none, number, place, poll, share, text, tiles, track } from "./live.js";

const SPAN_S = 120;
const COUNTS = ["queued", "refused", "expired", "cancelled", "restarted", "lost"];

poll("server.json", (data) => {
  silence(data);
  chart(place("lags"), {
    span: SPAN_S,
    unit: "ms by which timers fired late, over ten seconds",
    lines: [
      { name: "p50", kind: "good", points: data.lags.map(([age, p50]) => [age, p50]) },
      { name: "p99", kind: "bad", points: data.lags.map(([age, , p99]) => [age, p99]) },
    ],
  });
  loop(data);
  fill("models", data.models.map((row) => [
    model(row.name),
    slots(row),
    ...COUNTS.map((key) => number(row[key])),
  ]));
  fill("processes", data.processes.map((row) => [
    row.role,
    String(row.pid),
    meter(row.cpu, share(row.cpu)),
    number(row.pss_mib, " MiB"),
    number(row.rss_mib, " MiB"),
    number(row.threads),
  ]));
});

function silence({ silent_s: silent, host, uptime_s: uptime }) {
  place("answers").classList.toggle("old", silent !== null && uptime !== null);
  place("answers").hidden = silent !== null && uptime === null;
  if (silent === null) return text("silent", "");
  const why = uptime === null
    ? "is it running, and does it answer at /stats?"
    : "its event loop is blocked, or it has stopped. The figures below are its last ones.";
  text("silent", `${host} has not answered for ${Math.floor(silent)} s: ${why}`);
}

function loop({ lag_ms: lag, gil, uptime_s: uptime }) {
  if (!lag) return;
  tiles("loop", [
    ["loop lag p50", ms(lag.p50)],
    ["loop lag p99", ms(lag.p99)],
    ["longest lag", ms(lag.max)],
    ...gil.map(({ pid, share: held }) => [gil.length > 1 ? `GIL held, ${pid}` : "GIL held", share(held)]),
    ["up for", number(Math.floor(uptime), " s")],
  ]);
}

const slots = ({ busy, slots: all }) => (all ? meter(busy / all, `${busy} of ${number(all)}`) : none);

function meter(part, label) {
  if (part === null) return none;
  const bar = track(["in-time", `width: ${Math.min(100, 100 * part).toFixed(1)}%`]);
  return make("span", { class: "meter" }, bar, label);
}
