// Line charts of the last minutes, drawn as SVG without a library, as wide as the page.

import { ceiling, draw } from "./drawing.js";
import { make, none } from "./live.js";

const HEIGHT = 190;
const GAP_S = 4;
const EDGE = { left: 52, right: 12, top: 12, bottom: 26 };

/** Draw lines of [seconds from now, value]; a missing value leaves a gap. `bound` is drawn as a
 *  dashed line. The legend repeats the lines, each with its last value. */
export function chart(figure, { lines, span, unit, bound = null, boundName = "" }) {
  const width = Math.max(280, figure.clientWidth);
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  let most = ceiling(Math.max(1e-3, ...values));
  const bounded = bound !== null && bound <= 4 * most;
  if (bounded) most = Math.max(most, ceiling(bound));
  const x = (at) => EDGE.left + (1 + at / span) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img",
    "aria-label": lines.map((line) => `${line.name} ${last(line)}`).join(", ") + ` ${unit}`,
  });
  const level = (kind, value) =>
    draw("line", { class: kind, x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) });
  for (const value of [0, most / 2, most]) {
    svg.append(level("grid", value));
    svg.append(draw("text", { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const part of [1, 0.75, 0.5, 0.25, 0]) {
    const anchor = part === 1 ? "start" : part === 0 ? "end" : "middle";
    const label = part ? `−${part * span} s` : "now";
    svg.append(draw("text", { x: x(-part * span), y: HEIGHT - 6, "text-anchor": anchor }, label));
  }
  if (bounded) svg.append(level("bound", bound));
  for (const line of lines) {
    svg.append(draw("path", { class: `line ${line.kind}`, d: path(line.points, x, y, span) }));
  }
  const keys = bounded ? [...lines, { name: boundName, kind: "bound" }] : lines;
  const spans = keys.map(({ kind, name }) => make("span", { class: `key ${kind}` }, name));
  figure.replaceChildren(svg, make("figcaption", {}, ...spans, unit));
}

function path(points, x, y, span) {
  let d = "";
  let pen = "M";
  let before = -span;
  for (const [at, value] of points) {
    if (at < -span) continue;
    if (at - before > GAP_S || value == null) pen = "M"; // nothing was recorded there
    before = at;
    if (value == null) continue;
    d += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  }
  return d;
}

function last(line) {
  const value = line.points.at(-1)?.[1];
  return value == null ? none : short(value);
}

function short(value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(2)));
}
