// The gauges of the service, and whether it answers at all.

import { chart } from "./chart.js";
import { fill, make, model, ms, none, number, poll, share } from "./live.js";

const SPAN_S = 120;
const COUNTS = ["queued", "refused", "expired", "cancelled", "restarted", "lost"];
const at = (id) => document.getElementById(id);

poll("server.json", (data) => {
  silence(data);
  chart(at("lags"), {
    span: SPAN_S,
    unit: "ms by which timers fired late, over ten seconds",
    lines: [
      { name: "p50", kind: "good", points: data.lags.map(([age, p50]) => [age, p50]) },
      { name: "p99", kind: "bad", points: data.lags.map(([age, , p99]) => [age, p99]) },
    ],
  });
  loop(data);
  fill(
    at("models").tBodies[0],
    data.models.map((one) => [
      model(one.name),
      slots(one),
      ...COUNTS.map((key) => (one[key] === null ? none : number(one[key]))),
    ]),
  );
  fill(
    at("processes").tBodies[0],
    data.processes.map((one) => [
      one.role,
      String(one.pid),
      meter(one.cpu),
      mib(one.pss_mib),
      mib(one.rss_mib),
      number(one.threads),
    ]),
  );
});

function silence({ silent_s: silent, host, uptime_s: uptime }) {
  at("silent").hidden = silent === null;
  at("answers").classList.toggle("old", silent !== null && uptime !== null);
  at("answers").hidden = silent !== null && uptime === null;
  if (silent === null) return;
  const why = uptime === null
    ? "is it running, and does it answer at /stats?"
    : "its event loop is blocked, or it has stopped. The figures below are its last ones.";
  at("silent").textContent = `${host} has not answered for ${Math.floor(silent)} s: ${why}`;
}

function loop({ lag_ms: lag, gil, uptime_s: uptime }) {
  if (!lag) return;
  const tiles = [
    ["loop lag p50", ms(lag.p50)],
    ["loop lag p99", ms(lag.p99)],
    ["longest lag", ms(lag.max)],
    ...gil.map((one) => [gil.length > 1 ? `GIL held, ${one.pid}` : "GIL held", share(one.share)]),
    ["up for", `${number(Math.floor(uptime))} s`],
  ];
  at("loop").replaceChildren(
    ...tiles.map(([name, value]) => make("div", {}, make("span", {}, name), make("b", {}, value))),
  );
}

const mib = (value) => (value === null || value === undefined ? none : `${number(value)} MiB`);

function slots({ busy, slots: all }) {
  if (!all) return none;
  return make("span", { class: "meter" }, bar(busy / all), `${busy} of ${number(all)}`);
}

function meter(value) {
  if (value === null) return none;
  return make("span", { class: "meter" }, bar(value), share(value));
}

const bar = (part) =>
  make("span", { class: "track", "aria-hidden": "true" },
    make("i", { class: "in-time", style: `width: ${Math.min(100, 100 * part).toFixed(1)}%` }));
