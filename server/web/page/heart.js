// Whether the event loop lives: its trace, and what it says in words.

import { Beats, STOPPED_MS } from "./beats.js";
import { one, say } from "./elements.js";
import { Trace } from "./trace.js";

const FRAME_MS = 33;
const STILL_MS = 250; // between drawings where motion is to be reduced
const JANK_MS = 320; // when the page itself was late, beats may wait to be heard
const WORDS = {
  waiting: ["listening", "waiting for the first beat"],
  alive: ["alive", "the event loop beats ten times a second"],
  lost: ["no connection", "the server is gone, or has too many listeners; trying again"],
};

export class Heart {
  beats = new Beats();
  loop = null; // whose beats these are: {pid, thread}
  #state = "waiting";
  #trace = new Trace(one("trace"), this.beats);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #timer = 0;
  #drawn = 0;

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
    const now = performance.now();
    if (now - this.#drawn < JANK_MS) this.#look();
    this.#drawn = now;
    this.#trace.draw(now);
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
    this.#state = state;
    one("heart").dataset.state = state;
    const [word, text] = WORDS[state] ?? ["stopped", ""];
    say(`Event loop: ${word}`);
    one("pulse-word").textContent = word;
    one("pulse-text").textContent = text;
  }
}
