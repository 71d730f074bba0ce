// Relabels Locust's form and opens our fields. Only texts are changed: React would not know a new
// element, but it never looks at the text of one that it has written.

const LABELS = {
  "Number of users (peak concurrency)": "Users (open load: arrivals per second; closed load: clients)",
  "Ramp up (users started/second)": "Ramp up (users started per second)",
};
const OURS = "Custom parameters";
const MOST_ROWS = 14;

export function improve(root) {
  for (const label of root.querySelectorAll("label, legend span")) {
    for (const child of label.childNodes) {
      if (LABELS[child.nodeValue]) child.nodeValue = LABELS[child.nodeValue];
    }
  }
  for (const select of root.querySelectorAll("select[multiple]:not([size])")) {
    select.size = Math.min(MOST_ROWS, select.options.length);
  }
  for (const summary of root.querySelectorAll(".MuiAccordionSummary-root:not([data-opened])")) {
    if (summary.textContent !== OURS) continue;
    summary.dataset.opened = "once"; // so that a user can close it again
    if (summary.getAttribute("aria-expanded") === "false") summary.click();
  }
}
