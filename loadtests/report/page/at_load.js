// The table "At your load", for another load than that which the page was made for.
const rate = document.getElementById("rate");
const SIGNS = { holds: "✓", fails: "✗", "cannot tell": "?" };

const show = (cell, load) => {
  const low = Number(cell.dataset.low);
  const high = cell.dataset.high === "" ? Infinity : Number(cell.dataset.high);
  const state = load <= low ? "holds" : load > high ? "fails" : "cannot tell";
  const times = Number(cell.dataset.value) / load;
  cell.dataset.state = state;
  cell.querySelector("b").textContent = `${SIGNS[state]} ${state}`;
  const digits = times < 1.495 ? 2 : times < 19.95 ? 1 : 0;
  cell.querySelector("small").textContent = `${high === Infinity ? "≥ " : ""}${times.toFixed(digits)} ×`;
};

if (rate) {
  rate.form.addEventListener("submit", (event) => event.preventDefault());
  rate.addEventListener("input", () => {
    const load = rate.valueAsNumber;
    if (load > 0) document.querySelectorAll(".loads td[data-low]").forEach((cell) => show(cell, load));
  });
}
