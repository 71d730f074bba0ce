// Line charts of the last minutes, drawn as SVG without a library, as wide as the page.

const HEIGHT = 190;
const GAP_S = 4;
const EDGE = { left: 52, right: 12, top: 12, bottom: 26 };
const names = "http://www.w3.org/2000/svg";

function draw(tag, attributes, text) {
  const element = document.createElementNS(names, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Round up to 1, 2 or 5 times a power of ten: the ends of readable axes. */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return [1, 2, 5, 10].find((digit) => digit * power >= value * 0.999) * power;
}

/** Draw lines of [seconds from now, value]; a missing value leaves a gap. `bound` is drawn as a
 *  dashed line. The legend repeats the lines, each with its last value. */
export function chart(figure, { lines, span, unit, bound = null, boundName = "" }) {
  const width = Math.max(280, figure.clientWidth);
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  let most = ceiling(Math.max(1e-3, ...values));
  const shown = bound !== null && bound <= 4 * most;
  if (shown) most = Math.max(most, ceiling(bound));
  const x = (at) => EDGE.left + (1 + at / span) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img",
    "aria-label": lines.map((line) => `${line.name} ${last(line)}`).join(", ") + ` ${unit}`,
  });
  for (const part of [0, 0.5, 1]) {
    const value = part * most;
    svg.append(draw("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
    svg.append(draw("text", { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const part of [1, 0.75, 0.5, 0.25, 0]) {
    const anchor = part === 1 ? "start" : part === 0 ? "end" : "middle";
    const label = part ? `−${part * span} s` : "now";
    svg.append(draw("text", { x: x(-part * span), y: HEIGHT - 6, "text-anchor": anchor }, label));
  }
  if (shown) {
    svg.append(draw("line", { class: "bound", x1: EDGE.left, x2: width - EDGE.right, y1: y(bound), y2: y(bound) }));
  }
  for (const line of lines) {
    svg.append(draw("path", { class: `line ${line.kind}`, d: path(line.points, x, y, span) }));
  }
  const keys = shown ? [...lines, { name: boundName, kind: "bound" }] : lines;
  figure.replaceChildren(svg, legend(keys, unit));
}

function path(points, x, y, span) {
  let d = "";
  let pen = "M";
  let before = -span;
  for (const [at, value] of points) {
    if (at < -span) continue;
    if (at - before > GAP_S) pen = "M"; // nobody looked
    before = at;
    if (value === null || value === undefined) pen = "M";
    else {
      d += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  }
  return d;
}

const last = (line) => {
  const value = line.points.at(-1)?.[1];
  return value === null || value === undefined ? "–" : short(value);
};

function short(value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(2)));
}

function legend(lines, unit) {
  const caption = document.createElement("figcaption");
  for (const line of lines) {
    const key = document.createElement("span");
    key.className = `key ${line.kind}`;
    key.textContent = line.name;
    caption.append(key);
  }
  caption.append(unit);
  return caption;
}
