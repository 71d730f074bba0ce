// The Survival tab: progress of the search, its matrix, and the trials of one cell.

import { make, notice, poll } from "./live.js";
import { draw as drawDots } from "./dots.js";
import { draw as drawMatrix } from "./matrix.js";
import { draw as drawTrials } from "./trials.js";

const place = (id) => document.getElementById(id);
const address = new URL("survival.json", location); // of what is shown; a choice is added to it

const PHASES = {
  waiting: "waiting for the report of the previous search",
  stopping: "stopping",
  writing: "The search is finished; writing its report.",
  over: "The search is finished.",
  stopped: "The search was stopped. These are the results so far.",
  failed: "The search failed.",
};

async function choose(index) {
  if (index === null) address.searchParams.delete("cell");
  else address.searchParams.set("cell", index);
  show(await (await fetch(address)).json());
}

function show(state) {
  const { phase, run } = state;
  const begun = phase !== "idle";
  place("none").hidden = begun;
  place("run").hidden = !begun;
  if (!begun) return;
  place("step").className = phase;
  text("step", PHASES[phase] ?? run?.step ?? "");
  text("reason", sentence(state.reason));
  showResults(state);
  for (const id of ["head", "where", "progress", "matrix", "notes", "cell"]) {
    place(id).hidden = !run || (id !== "progress" && !run.head);
  }
  if (!run) return;
  place("bar").value = run.progress.total ? run.progress.done / run.progress.total : 0;
  text("done", [run.progress.said, run.progress.time].filter(Boolean).join(", "));
  if (!run.head) return;
  text("head", `${run.head} (${run.mode} run)`);
  text("where", run.environment);
  drawMatrix(run, choose);
  drawCell(run.shown, ["searching", "stopping"].includes(phase));
}

function drawCell(shown, goesOn) {
  place("title").style.setProperty("--colour", `var(--model-${shown.model})`);
  text("title", shown.title);
  text("said", shown.said);
  const follow = place("follow");
  const latest = goesOn ? "the cell being measured" : "the cell measured last";
  if (shown.follows) text("follow", `This is ${latest}. Choose another above.`);
  else if (follow.textContent !== `Show ${latest}`) {
    const back = make("button", { type: "button" }, `Show ${latest}`);
    back.addEventListener("click", () => choose(null));
    follow.hidden = false;
    follow.replaceChildren(back);
  }
  place("dots").parentNode.hidden = !shown.trials.length && !shown.predicted;
  drawDots(place("dots"), shown);
  drawTrials(shown);
}

function showResults(state) {
  const written = state.files.some((file) => file.ready && file.name !== "run.jsonl");
  place("results").hidden = !["over", "stopped", "failed"].includes(state.phase) || !state.run;
  if (place("results").hidden) return;
  list(place("verdicts"), state.verdicts);
  place("again").hidden = !state.again;
  place("again").querySelector("code").textContent = state.again ?? "";
  files(state, written);
  const warnings = place("warnings");
  warnings.hidden = !state.warnings.length;
  const count = state.warnings.length;
  warnings.querySelector("summary").textContent = `${count} warning${count === 1 ? "" : "s"}`;
  list(warnings.querySelector("ul"), state.warnings);
}

function files(state, written) {
  const ready = state.files.filter((file) => file.ready);
  const key = JSON.stringify([ready, state.folder]);
  if (place("files").dataset.key === key) return;
  place("files").dataset.key = key;
  const links = ready.map((file) =>
    make("a", { href: `./results/${file.name}?show`, target: "_blank" }, file.title));
  const words = written ? "Results" : "Results so far";
  place("files").replaceChildren(`${words}: `, ...between(links, ", "), ` in ${state.folder}`);
}

const between = (all, mark) => all.flatMap((one, at) => (at ? [mark, one] : [one]));

function list(place, sentences) {
  const key = JSON.stringify(sentences);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...sentences.map((one) => make("li", {}, ...coded(one))));
}

/** Show `names` in backquotes as code, as Markdown does. */
function coded(sentence) {
  return sentence.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

function sentence(words) {
  return words ? `${words[0].toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}` : "";
}

function text(id, words) {
  const element = place(id);
  element.hidden = !words;
  if (element.textContent !== words) element.textContent = words;
}

// Not more often, because drawing takes CPU time from the cores that are measured.
poll(address, show, notice, 3000);
