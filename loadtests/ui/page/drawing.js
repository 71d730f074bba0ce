// Shared by our charts: SVG elements, readable numbers for axes, and logarithmic axes.

const STEPS = [1, 2, 5, 10];

/** Make an SVG element, with a text if there is one. */
export function draw(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/** Round up to 1, 2 or 5 times a power of ten: the ends of readable axes. */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return STEPS.find((digit) => digit * power >= value * 0.999) * power;
}

/** Return a function from values to pixels, with `ticks` at round values. */
export function logarithmic([low, high], from, to) {
  const scale = (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
  scale.ticks = (most) => {
    const all = ticks(low, high);
    const every = Math.ceil(all.length / most);
    return all.filter((_, at) => at % every === 0);
  };
  return scale;
}

function ticks(low, high) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) powers.push(10 ** power);
  const inside = powers.flatMap((power) => STEPS.slice(0, 3).map((step) => step * power))
    .filter((value) => value >= low && value <= high);
  if (inside.length > 2) return inside;
  const step = ceiling((high - low) / 8); // a narrow axis has ticks at even distances
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}
