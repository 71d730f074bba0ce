// Elements of the page, made without markup in strings, so that no answer can become code.

/** Make an element; properties that are functions become listeners, null ones are left out. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Write milliseconds with about three digits. */
export function milliseconds(ms) {
  if (ms >= 9999.5) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 99.95 ? ms.toFixed(0) : ms >= 9.995 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** Turn a sentence with code in backticks into nodes. */
export const prose = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));

/** Name a model, with its colour beside it. */
export const named = (model) => make("span", { class: "model", "data-model": model }, model);

/** Announce something to screen readers. */
export const say = (text) => byId("news").replaceChildren(text);
