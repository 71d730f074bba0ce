// A logarithmic axis: a function from values to pixels, with round values for its ticks.

const STEPS = [1, 2, 5];

export function axis([low, high], from, to) {
  const scale = (value) =>
    from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
  scale.ticks = (most) => thinned(ticks(low, high), most);
  return scale;
}

function ticks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    found.push(...STEPS.map((step) => step * 10 ** power));
  }
  const inside = found.filter((value) => value >= low && value <= high);
  return inside.length > 2 ? inside : even(low, high);
}

/** Round values at even distances, for a narrow axis. */
function even(low, high) {
  const rough = (high - low) / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

function thinned(all, most) {
  const every = Math.ceil(all.length / most);
  return all.filter((_, at) => at % every === 0);
}
