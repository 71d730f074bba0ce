// Relabels Locust's form and opens our fields. Only texts are changed: React would not know a new
// element, but it never looks at the text of one that it has written.

const WORDS = {
  "Number of users (peak concurrency)": "Users (open load: arrivals per second; closed load: clients)",
  "Ramp up (users started/second)": "Ramp up (users started per second)",
};
const OURS = "Custom parameters";
const MOST_ROWS = 14;

export function improve(root) {
  for (const text of texts(root)) {
    if (WORDS[text.nodeValue]) text.nodeValue = WORDS[text.nodeValue];
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

function* texts(root) {
  for (const one of root.querySelectorAll("label, legend span")) {
    for (const child of one.childNodes) if (child.nodeType === Node.TEXT_NODE) yield child;
  }
}
