// The Survival tab: progress of the run, its matrix, and the trials of one cell.

import { fill, make, ms, number, place, poll, renew, share, text } from "./live.js";
import { drawDots } from "./dots.js";
import { drawMatrix } from "./matrix.js";

const FEW = 10; // trials
let whole = false; // whether all of them are shown
const address = new URL("survival.json", location); // of what is shown; a choice is added to it

const PHASES = {
  waiting: "waiting for the report of the previous run",
  stopping: "stopping",
  writing: "The run is finished; writing its report.",
  over: "The run is finished.",
  stopped: "The run was stopped. These are the results so far.",
  failed: "The run failed.",
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
  showAnswer(state);
  showResults(state);
  for (const id of ["head", "where", "progress", "matrix", "notes", "cell"]) {
    place(id).hidden = !run || (id !== "progress" && !run.head);
  }
  if (!run) return;
  place("bar").value = run.progress.total ? run.progress.done / run.progress.total : 0;
  text("done", [run.progress.count, run.progress.time].filter(Boolean).join(", "));
  if (!run.head) return;
  text("head", `${run.head} (${run.mode} run)`);
  text("where", run.environment);
  drawMatrix(run, choose);
  drawCell(run.shown, ["measuring", "stopping"].includes(phase));
}

/** Say what follows for the workloads that are finished. */
function showAnswer({ phase, verdicts }) {
  const goesOn = ["measuring", "stopping"].includes(phase);
  place("answer").hidden = !verdicts.length;
  place("answer").querySelector("h2").textContent = goesOn ? "Finished workloads" : "Result";
  list(place("verdicts"), verdicts);
}

function drawCell(cell, goesOn) {
  place("cell").style.setProperty("--colour", `var(--model-${cell.model})`);
  text("title", cell.title);
  text("result", cell.result);
  text("between", cell.going ? "95 % interval of the capacity so far" : "capacity, with its 95 % interval");
  const latest = goesOn ? "a cell that is being measured" : "the cell measured last";
  renew(place("follow"), [latest, cell.follows], () => {
    if (cell.follows) return [`This is ${latest}. Choose another above.`];
    const back = make("button", { type: "button" }, `Show ${latest}`);
    back.addEventListener("click", () => choose(null));
    return [back];
  });
  place("dots").parentNode.hidden = !cell.trials.length && !cell.predicted;
  drawDots(place("dots"), cell);
  drawTrials(cell);
}

function drawTrials(cell) {
  const latest = [...cell.trials].reverse();
  place("trials").hidden = !latest.length;
  fill("trials", (whole ? latest : latest.slice(0, FEW)).map((trial) => [
    trial.number,
    trial.round,
    number(trial.rate),
    make("span", { class: `key ${trial.outcome}` }, trial.outcome),
    ms(trial.p99),
    share(trial.lost),
    ms(trial.health),
    number(trial.seconds),
    trial.why,
  ]));
  const button = place("all");
  button.hidden = latest.length <= FEW;
  button.textContent = whole ? "Show only the latest" : `Show all ${latest.length} trials`;
  button.onclick = () => {
    whole = !whole;
    drawTrials(cell);
  };
}

function showResults({ phase, run, again, warnings, files, folder }) {
  place("results").hidden = !["over", "stopped", "failed"].includes(phase) || !run;
  if (place("results").hidden) return;
  place("again").hidden = !again;
  place("again").querySelector("code").textContent = again ?? "";
  const ready = files.filter((file) => file.ready);
  const label = ready.some(({ name }) => name !== "run.jsonl") ? "Results" : "Results so far";
  renew(place("files"), [ready, folder], () => {
    const links = ready.flatMap(({ name, title }) =>
      [", ", make("a", { href: `./results/${name}?show`, target: "_blank" }, title)]);
    return [`${label}: `, ...links.slice(1), ` in ${folder}`];
  });
  place("warnings").hidden = !warnings.length;
  const count = warnings.length;
  place("warnings").querySelector("summary").textContent = `${count} warning${count === 1 ? "" : "s"}`;
  list(place("warnings").querySelector("ul"), warnings);
}

/** List sentences, with names in backquotes as code, as Markdown does. */
function list(element, sentences) {
  const coded = (part, at) => (at % 2 ? make("code", {}, part) : part);
  renew(element, sentences, () =>
    sentences.map((line) => make("li", {}, ...line.split("`").map(coded))));
}

function sentence(words) {
  return words ? `${words[0].toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}` : "";
}

// Not more often, because drawing takes CPU time from the cores that are measured.
poll(address, show, 3000);
