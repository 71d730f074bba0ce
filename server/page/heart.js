// Whether the event loop lives: its trace, and what it says in words.

import { Beats, STOPPED_MS } from "./beats.js";
import { one, say } from "./elements.js";
import { Trace } from "./trace.js";

const FRAME_MS = 33;
const STILL_MS = 250; // between drawings where motion is to be reduced
const WORDS = {
  waiting: ["listening", "waiting for the first beat"],
  alive: ["alive", "the event loop beats ten times a second"],
  lost: ["no connection", "the server is gone, or takes no more listeners: trying again each second"],
};

export class Heart {
  beats = new Beats();
  loop = null; // whose beats these are: {pid, thread}
  #state = "waiting";
  #trace = new Trace(one("trace"), this.beats);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #timer = 0;

  beat({ at, pid, thread }) {
    this.loop = { pid, thread };
    this.beats.add(at, performance.now());
    this.#look();
    this.#timer ||= setTimeout(() => this.#frame());
  }

  lost() {
    this.#rest();
    this.#show("lost");
  }

  hidden() {
    this.#rest();
    this.#show("waiting");
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.beats.forget();
    this.#trace.draw(performance.now());
  }

  #frame() {
    this.#look();
    this.#trace.draw(performance.now());
    this.#timer = setTimeout(
      () => requestAnimationFrame(() => this.#timer && this.#frame()),
      this.#still.matches ? STILL_MS : FRAME_MS,
    );
  }

  #look() {
    const silence = this.beats.silence(performance.now());
    if (silence === null) return;
    this.#show(silence > STOPPED_MS ? "stopped" : "alive");
    if (this.#state === "stopped") {
      one("pulse-text").textContent = `the event loop has not answered for ${Math.round(silence / 10) * 10} ms`;
    }
  }

  #show(state) {
    if (state === this.#state) return;
    if (state === "stopped") say("The event loop has stopped answering.");
    else if (this.#state === "stopped") say("The event loop answers again.");
    else if (state === "lost") say("No connection to the server.");
    this.#state = state;
    one("heart").dataset.state = state;
    const [word, text] = WORDS[state] ?? ["stopped", ""];
    one("pulse-word").textContent = word;
    one("pulse-text").textContent = text;
  }
}
