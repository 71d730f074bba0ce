// Makes Locust's form fit what is started: labels in plain words, fields of other scenarios hidden, our
// fields open. Only texts and data attributes are changed: React would not know a new element, and
// writes classes again, but it never looks at the text of an element that it has written.

const { scenarios, fields } = window.templateArgs.panel;
const NAMES = { slo: "Objective", param: "Parameters", atLoad: "Your load" };
const OURS = "Custom parameters";
const MOST_ROWS = 11;

export function improve(root) {
  for (const form of root.querySelectorAll("form")) {
    if (!form.elements.scenario) continue;
    form.dataset.loadbearing = form.elements.host ? "new" : "edit";
    for (const select of form.querySelectorAll("select[multiple]:not([size])")) {
      select.size = Math.min(MOST_ROWS, select.options.length);
    }
    open(form);
    fit(form);
    if (form.dataset.fits) continue;
    form.dataset.fits = "yes";
    form.addEventListener("input", () => fit(form));
  }
}

function open(form) {
  for (const summary of form.querySelectorAll(".MuiAccordionSummary-root:not([data-opened])")) {
    const ours = summary.textContent === OURS;
    if (ours) summary.closest(".MuiAccordion-root").dataset.ours = "";
    summary.dataset.opened = "once"; // so that a user can close it again
    if (ours && summary.getAttribute("aria-expanded") === "false") summary.click();
  }
}

/** Show what the chosen scenario takes, and say what it does with it. */
function fit(form) {
  const { scenario } = form.elements;
  for (const [name, takers] of Object.entries(fields)) {
    field(form, name)?.toggleAttribute("data-other", !takers.includes(scenario.value));
  }
  relabel(form, "scenario", `Scenario: ${scenarios[scenario.value].does}`);
  // A running test takes only another number of users, and its scenario is not the one in the form.
  relabel(form, "userCount", form.elements.host ? users(form) : "Users");
  relabel(form, "spawnRate", "Ramp up (users started per second)");
  for (const name of Object.keys(NAMES)) rename(form, name);
}

function users({ elements: { userCount, scenario, load, workloads, models } }) {
  const number = Number(userCount.value) || 0;
  if (load.value === "closed") return `Users: ${number} clients that wait for each answer`;
  const cells = chosen(workloads) * chosen(models);
  const rate = `Users: ${number} = ${number} requests per second`;
  if (cells < 2) return rate;
  if (scenario.value === "compare") return `${rate}, to one cell at a time`;
  return `${rate}, ${Number((number / cells).toPrecision(3))} a cell`;
}

const chosen = (select) => select.selectedOptions?.length ?? 1;

const field = (form, name) => form.elements[name]?.closest(".MuiFormControl-root, .MuiFormControlLabel-root");

const label = (form, name) => field(form, name)?.querySelector("label")?.firstChild;

function relabel(form, name, words) {
  const text = label(form, name);
  if (text && text.nodeValue !== words) text.nodeValue = words;
}

/** Write a word for the name of an option, with which Locust begins its label. */
function rename(form, name) {
  const text = label(form, name);
  if (text) text.nodeValue = text.nodeValue.replace(/^[\w ]+ \(/, `${NAMES[name]} (`);
}
