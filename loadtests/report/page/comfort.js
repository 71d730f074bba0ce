// Comfort only: the page is complete without this.
"use strict";

const button = (text, action) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => action(made));
  return made;
};

// Light or dark, against the setting of the system.
const root = document.documentElement;
const theme = button("Light / dark", () => {
  const dark = getComputedStyle(root).colorScheme === "dark"
    || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
});
theme.id = "theme";
document.querySelector("header").append(theme);

// Tables as tab-separated values, for a spreadsheet.
const text = (cell) => {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("small").forEach((small) => small.prepend(" "));
  const words = copy.textContent.replace(/\s+/g, " ").trim();
  // A spreadsheet would run what begins like a formula.
  return /^[=+\-@]/.test(words) && !/^[+-]?[\d.,]+( ?%)?$/.test(words) ? `'${words}` : words;
};
document.querySelectorAll("table").forEach((table) => {
  const copy = button("Copy table", async (pressed) => {
    const rows = [...table.rows].map((row) => [...row.cells].map(text).join("\t"));
    await navigator.clipboard.writeText(rows.join("\n"));
    pressed.textContent = "Copied";
    setTimeout(() => { pressed.textContent = "Copy table"; }, 1500);
  });
  copy.className = "copy";
  table.parentElement.after(copy);
});
