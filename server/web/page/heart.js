// Whether the event loop responds: its trace, and its state in words.

import { Beats, STOPPED_MS } from "./beats.js";
import { byId, say } from "./elements.js";
import { Trace } from "./trace.js";

const FRAME_MS = 33;
const STILL_MS = 250; // between drawings with reduced motion
const JANK_MS = 320; // if the page itself was late, beats may still be waiting
const WORDS = {
  waiting: ["listening", "waiting for the first beat"],
  alive: ["alive", "the event loop beats ten times a second"],
  lost: ["no connection", "the server is gone or has too many listeners; trying again"],
};

export class Heart {
  beats = new Beats();
  loop = null; // the loop that sends the beats: {pid, thread}
  #state = "waiting";
  #trace = new Trace(byId("trace"), this.beats);
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
      byId("pulse-text").textContent = `the event loop has not answered for ${Math.round(silence / 10) * 10} ms`;
    }
  }

  #show(state) {
    if (state === this.#state) return;
    this.#state = state;
    byId("heart").dataset.state = state;
    const [word, text] = WORDS[state] ?? ["stopped", ""];
    say(`Event loop: ${word}`);
    byId("pulse-word").textContent = word;
    byId("pulse-text").textContent = text;
  }
}
