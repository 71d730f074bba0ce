// The trials of one cell as dots: offered rate against p99, both on logarithmic axes, with the
// objective, the prediction and the estimate as lines. Trials that lost too much have no p99: they are at the top.

import { axis } from "./axis.js";
import { number } from "./live.js";

const HEIGHT = 320;
const EDGE = { left: 68, right: 14, top: 48, bottom: 44 };
const STRIP = 30; // above the axis, for trials without a p99
const SVG = "http://www.w3.org/2000/svg";

let before = "";

/** Draw into a place, which has a width; the same again is left alone. */
export function draw(place, shown) {
  const words = JSON.stringify([place.clientWidth, shown]);
  if (words === before || !place.clientWidth) return;
  before = words;
  place.replaceChildren(picture(place.clientWidth, shown));
}

function picture(width, shown) {
  const svg = make("svg", { width, height: HEIGHT, role: "img", "aria-label": alternative(shown) });
  svg.style.setProperty("--colour", `var(--model-${shown.model}, var(--soft))`);
  const x = axis(rates(shown), EDGE.left, width - EDGE.right);
  const y = axis(times(shown), HEIGHT - EDGE.bottom, EDGE.top + STRIP);
  svg.append(...frame(width, x, y), ...lines(width, x, y, shown));
  shown.trials.forEach((one) => svg.append(dot(one, x, y)));
  return svg;
}

function rates(shown) {
  const tried = [...shown.trials.map((one) => one.rate), shown.offered].filter(Boolean);
  const known = tried.length ? tried : [shown.predicted, shown.ceiling].filter(Boolean);
  const most = Math.max(...known, 1);
  const near = [shown.predicted, shown.ceiling].filter((rate) => rate && rate < 3 * most);
  const all = [...known, ...near];
  return all.length ? [Math.min(...all) / 1.15, Math.max(...all) * 1.15] : [1, 100];
}

function times(shown) {
  const all = shown.trials.map((one) => one.p99).filter(Boolean);
  return [Math.min(shown.bound / 4, ...all) / 1.3, Math.max(shown.bound * 1.6, ...all) * 1.2];
}

function frame(width, x, y) {
  const bottom = HEIGHT - EDGE.bottom;
  const parts = [make("line", { class: "axis", x1: EDGE.left, x2: width - EDGE.right, y1: bottom, y2: bottom })];
  for (const tick of x.ticks(width / 90)) {
    parts.push(make("line", { class: "grid", x1: x(tick), x2: x(tick), y1: EDGE.top, y2: bottom }));
    parts.push(label(x(tick), bottom + 17, number(tick), "middle"));
  }
  for (const tick of y.ticks(7)) {
    parts.push(make("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }));
    parts.push(label(EDGE.left - 8, y(tick) + 4, `${number(tick)} ms`, "end"));
  }
  parts.push(label(EDGE.left - 8, EDGE.top + STRIP / 2 - 3, "too many", "end"));
  parts.push(label(EDGE.left - 8, EDGE.top + STRIP / 2 + 10, "lost", "end"));
  parts.push(label(width - EDGE.right, HEIGHT - 8, "offered requests per second", "end"));
  return parts;
}

function lines(width, x, y, shown) {
  const parts = [];
  const bottom = HEIGHT - EDGE.bottom;
  if (shown.held && shown.broke) {
    const [from, to] = [x(shown.held), x(shown.broke)];
    parts.push(make("rect", { class: "between", x: from, width: Math.max(1, to - from), y: EDGE.top, height: bottom - EDGE.top }));
  }
  const slo = y(shown.bound);
  parts.push(make("line", { class: "slo", x1: EDGE.left, x2: width - EDGE.right, y1: slo, y2: slo }));
  parts.push(label(EDGE.left + 6, slo - 6, shown.slo, "start", "slo"));
  const upright = [
    ["ceiling", shown.ceiling, 12, `estimate ${number(shown.ceiling)} (${shown.binding})`],
    ["predicted", shown.predicted, 26, `predicted ${number(shown.predicted)}`],
    ["offered", shown.offered, 40, `now ${number(shown.offered)}/s`],
  ];
  for (const [kind, rate, row, words] of upright) {
    if (rate) parts.push(...mark(width, x, kind, rate, row, words));
  }
  return parts;
}

/** An upright line, with its words where they are not cut off; beyond the axis, words alone. */
function mark(width, x, kind, rate, row, words) {
  const at = x(rate);
  if (at > width - EDGE.right) return [label(width - EDGE.right, row, `${words} →`, "end", kind)];
  const line = make("line", { class: kind, x1: at, x2: at, y1: row - 9, y2: HEIGHT - EDGE.bottom });
  const left = at > width / 2;
  return [line, label(left ? at - 5 : at + 5, row, words, left ? "end" : "start", kind)];
}

function dot(one, x, y) {
  const level = EDGE.top + 7 + (one.number % 3) * 8;
  const [cx, cy] = [x(one.rate), one.p99 ? y(one.p99) : level];
  const shape = one.outcome === "discarded"
    ? make("path", { class: "discarded", d: `M${cx - 4} ${cy - 4}l8 8m0-8l-8 8` })
    : make("circle", { class: one.outcome, cx, cy, r: 5 });
  const p99 = one.p99 ? `p99 ${number(one.p99)} ms` : "too many lost for a p99";
  const title = make("title");
  title.textContent = `#${one.number}: ${number(one.rate)}/s ${one.outcome}, ${p99}`;
  shape.append(title);
  return shape;
}

function alternative(shown) {
  const of = (outcome) => shown.trials.filter((one) => one.outcome === outcome).map((one) => one.rate);
  const [held, broke] = [of("held"), of("broke")];
  return [
    `Trials of ${shown.title}, offered rate against p99.`,
    held.length ? `${held.length} held, up to ${number(Math.max(...held))} per second.` : "None held.",
    broke.length ? `${broke.length} broke, from ${number(Math.min(...broke))} on.` : "None broke.",
    shown.predicted ? `Predicted ${number(shown.predicted)}.` : "",
    shown.ceiling ? `The estimate is ${number(shown.ceiling)}.` : "",
    "The table below lists them all.",
  ].filter(Boolean).join(" ");
}

function label(x, y, words, anchor, kind = "") {
  const element = make("text", { x, y, "text-anchor": anchor, class: kind });
  element.textContent = words;
  return element;
}

function make(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
