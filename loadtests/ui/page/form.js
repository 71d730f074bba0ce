// Locust's form in words of ours, with all of our fields open. What React wrote is not replaced:
// it would not know the new element, but it never looks at the text of one that it has written.

const WORDS = {
  "Number of users (peak concurrency)": "Users (open load: arrivals a second; closed load: clients)",
  "Ramp up (users started/second)": "Ramp up (users a second, until all are there)",
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
    summary.dataset.opened = "once"; // whoever closes it wants it closed
    if (summary.getAttribute("aria-expanded") === "false") summary.click();
  }
}

function* texts(root) {
  for (const one of root.querySelectorAll("label, legend span")) {
    for (const child of one.childNodes) if (child.nodeType === Node.TEXT_NODE) yield child;
  }
}
