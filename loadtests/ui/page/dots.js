// The trials of one cell as dots: offered rate against p99, both on logarithmic axes. What is only estimated
// is a band, as in the report: the interval of the capacity, and from the prediction to the estimated limit. The
// objective is a line, and so is what is offered now. Trials that lost too much have no p99: they are at the top.

import { draw, logarithmic } from "./drawing.js";
import { number, renew } from "./live.js";

const HEIGHT = 334;
const EDGE = { left: 68, right: 14, top: 62, bottom: 44 };
const BOTTOM = HEIGHT - EDGE.bottom;
const LETTER = 6.5; // pixels, about
const LEAST = 3; // pixels of a band
const STRIP = 30; // above the axis, for trials without a p99

/** Draw into an element that has a width. */
export function drawDots(element, cell) {
  const width = element.clientWidth;
  if (width) renew(element, [width, cell], () => [picture(width, cell)]);
}

function picture(width, cell) {
  const svg = draw("svg", { width, height: HEIGHT, role: "img", "aria-label": alternative(cell) });
  svg.style.setProperty("--colour", `var(--model-${cell.model}, var(--soft))`);
  const right = width - EDGE.right;
  const x = logarithmic(rates(cell), EDGE.left, right);
  const y = logarithmic(times(cell), BOTTOM, EDGE.top + STRIP);
  const dots = cell.trials.map((trial) => dot(trial, x, y));
  svg.append(...frame(right, x, y), ...lines(right, x, y, cell), ...dots);
  return svg;
}

function rates({ trials, offered, value, low, high, predicted, ceiling }) {
  const tried = [...trials.map((trial) => trial.rate), offered, value, low, high].filter(Boolean);
  const known = tried.length ? tried : [predicted, ceiling].filter(Boolean);
  const most = Math.max(...known, 1);
  const near = [predicted, ceiling].filter((rate) => rate && rate < 3 * most);
  const all = [...known, ...near];
  return all.length ? [Math.min(...all) / 1.15, Math.max(...all) * 1.15] : [1, 100];
}

function times({ trials, bound }) {
  const all = trials.map((trial) => trial.p99).filter(Boolean);
  return [Math.min(bound / 4, ...all) / 1.3, Math.max(bound * 1.6, ...all) * 1.2];
}

const across = (kind, right, y) => draw("line", { class: kind, x1: EDGE.left, x2: right, y1: y, y2: y });

const upright = (kind, x, top) => draw("line", { class: kind, x1: x, x2: x, y1: top, y2: BOTTOM });

const label = (x, y, text, anchor, kind = "") => draw("text", { x, y, "text-anchor": anchor, class: kind }, text);

function frame(right, x, y) {
  return [
    across("axis", right, BOTTOM),
    ...x.ticks(right / 90).flatMap((tick) =>
      [upright("grid", x(tick), EDGE.top), label(x(tick), BOTTOM + 17, number(tick), "middle")]),
    ...y.ticks(7).flatMap((tick) =>
      [across("grid", right, y(tick)), label(EDGE.left - 8, y(tick) + 4, `${number(tick)} ms`, "end")]),
    label(EDGE.left - 8, EDGE.top + STRIP / 2 - 3, "too many", "end"),
    label(EDGE.left - 8, EDGE.top + STRIP / 2 + 10, "lost", "end"),
    label(right, HEIGHT - 8, "offered requests per second", "end"),
  ];
}

function lines(right, x, y, cell) {
  const { value, low, high, bound, slo, binding, offered, going } = cell;
  const [from, to] = estimate(cell);
  const range = from < to ? `${number(from)}–${number(to)}` : number(from);
  const capacity = `capacity ${going ? "so far " : ""}${number(value)}`;
  return [
    across("slo", right, y(bound)),
    label(EDGE.left + 6, y(bound) - 6, slo, "start", "slo"),
    ...from ? band(right, x(from), x(to), "estimate", 12, `estimate ${range}${binding ? ` (${binding})` : ""}`) : [],
    ...value ? band(right, x(low || value), high || !low ? x(high || value) : right, "capacity", 32, capacity) : [],
    ...offered ? mark(right, x(offered), "offered", 52, `now ${number(offered)}/s`) : [],
  ];
}

/** What was expected before any trial: from the prediction to the limit, as far as they are known. */
function estimate({ predicted, ceiling }) {
  const known = [predicted, ceiling].filter(Boolean);
  return known.length ? [Math.min(...known), Math.max(...known)] : [];
}

/** A band from the axis up to its text, as far as it is on the axis. */
function band(right, from, to, kind, row, text) {
  const [begin, end] = [Math.min(from, right), Math.min(to, right)];
  const width = Math.max(LEAST, end - begin);
  const rect = draw("rect", { class: kind, x: begin, width, y: EDGE.top, height: BOTTOM - EDGE.top });
  return from > right ? named(right, from, kind, row, text) : [rect, ...named(right, begin + width / 2, kind, row, text)];
}

/** An upright line, with its text. */
function mark(right, at, kind, row, text) {
  return at > right ? named(right, at, kind, row, text) : [upright(kind, at, row + 3), ...named(right, at, kind, row, text)];
}

/** A text above a place, moved to where it is not cut off; it points to a place beyond the axis. */
function named(right, at, kind, row, text) {
  if (at > right) return [label(right, row, `${text} →`, "end", kind)];
  const half = text.length * LETTER / 2;
  return [label(Math.max(half, Math.min(at, right - half)), row, text, "middle", kind)];
}

function dot({ number: count, rate, p99, outcome }, x, y) {
  const [cx, cy] = [x(rate), p99 ? y(p99) : EDGE.top + 7 + (count % 3) * 8];
  const shape = outcome === "void"
    ? draw("path", { class: outcome, d: `M${cx - 4} ${cy - 4}l8 8m0-8l-8 8` })
    : draw("circle", { class: outcome, cx, cy, r: 5 });
  const time = p99 ? `p99 ${number(p99)} ms` : "too many lost for a p99";
  shape.append(draw("title", {}, `#${count}: ${number(rate)}/s ${outcome}, ${time}`));
  return shape;
}

function alternative(cell) {
  const { title, trials, value, low, high } = cell;
  const [from, to] = estimate(cell);
  const of = (outcome) => trials.filter((trial) => trial.outcome === outcome).map((trial) => trial.rate);
  const [passed, failed] = [of("passed"), of("failed")];
  return [
    `Trials of ${title}, offered rate against p99.`,
    passed.length ? `${passed.length} passed, up to ${number(Math.max(...passed))} per second.` : "None passed.",
    failed.length ? `${failed.length} failed, from ${number(Math.min(...failed))} on.` : "None failed.",
    value ? `Capacity ${number(value)}${low && high ? `, from ${number(low)} to ${number(high)}` : ""}.` : "",
    from ? `Estimated before the first trial: ${number(from)}${to > from ? ` to ${number(to)}` : ""}.` : "",
    "The table below lists them all.",
  ].filter(Boolean).join(" ");
}
