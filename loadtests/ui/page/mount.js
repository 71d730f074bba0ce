// Put our pages below Locust's tabs. Locust renders with React: we add a frame at the end of its
// container, and take it away; what is React's stays untouched, except for data attributes.

import { improve } from "./form.js";

const { tabs: ours, scenarios } = window.templateArgs.panel; // keys of tabs by their titles
const frame = document.createElement("iframe");
frame.style.cssText = "width: 100%; height: 60vh; border: 0; display: block";
let starting = null; // the form whose start was requested, and its scenario

const tabs = () => document.querySelectorAll('[role="tab"]');

function show() {
  for (const tab of tabs()) tab.toggleAttribute("data-ours", tab.textContent in ours); // these stand first
  const selected = document.querySelector('[role="tab"][aria-selected="true"]');
  const key = selected && ours[selected.textContent];
  if (!key) return frame.remove();
  const container = selected.closest(".MuiContainer-root");
  if (frame.dataset.key === key && frame.parentNode === container) return;
  frame.dataset.key = key;
  frame.title = selected.textContent;
  frame.src = `./panel/${key}`;
  container.append(frame);
}

/** Open the tab that a scenario fills, once its test has started: Locust takes the form away then. */
function open() {
  if (!starting || starting.form.isConnected || !tabs().length) return;
  const { tab } = scenarios[starting.scenario];
  starting = null;
  for (const item of tabs()) if (ours[item.textContent] === tab) item.click();
}

function look() {
  open();
  show();
  improve(document.body); // also the dialogs, which React puts beside its root
}

document.addEventListener("submit", ({ target: form }) => {
  const scenario = form.elements.scenario?.value;
  const begins = scenario in scenarios && form.elements.host; // else it changes a running test
  starting = begins ? { form, scenario } : null;
}, { capture: true });
document.head.append(
  Object.assign(document.createElement("link"), { rel: "stylesheet", href: "./panel/form.css" }),
);
new MutationObserver(look).observe(document.body, {
  subtree: true,
  childList: true,
  attributeFilter: ["aria-selected"],
});
look();
