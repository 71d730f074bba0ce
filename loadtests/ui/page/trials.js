// The trials of one cell as a table.

import { fill, make, ms, number, share } from "./live.js";

const FEW = 10;
let whole = false;

export function draw(shown) {
  const latest = [...shown.trials].reverse();
  const rows = whole ? latest : latest.slice(0, FEW);
  const table = document.getElementById("trials");
  table.hidden = !latest.length;
  fill(table.tBodies[0], rows.map((one) => row(one, shown.searches)));
  const button = document.getElementById("all");
  button.hidden = latest.length <= FEW;
  button.textContent = whole ? "Show only the latest" : `Show all ${latest.length} trials`;
  button.onclick = () => {
    whole = !whole;
    draw(shown);
  };
}

function row(one, searches) {
  const search = searches > 1 ? `${one.search}·` : "";
  return [
    `${search}${one.number}`,
    number(one.rate),
    make("span", { class: `key ${one.outcome}` }, one.outcome),
    ms(one.p99),
    share(one.lost),
    ms(one.health),
    number(one.seconds),
    one.why,
  ];
}
