// Put our pages below Locust's tabs. Locust renders with React: we add a frame at the end of its
// container, and take it away; what is React's stays untouched.

import { improve } from "./form.js";

const ours = window.templateArgs.panel; // keys of tabs by their titles
const frame = document.createElement("iframe");
frame.style.cssText = "width: 100%; height: 60vh; border: 0; display: block";

function show() {
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

function look() {
  show();
  improve(document.body); // also the dialogs, which React puts beside its root
}

document.head.append(
  Object.assign(document.createElement("link"), { rel: "stylesheet", href: "./panel/form.css" }),
);
new MutationObserver(look).observe(document.body, {
  subtree: true,
  childList: true,
  attributeFilter: ["aria-selected"],
});
look();
