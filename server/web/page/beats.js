// The beats of the event loop, placed on the clock of this page.
//
// Each beat carries the loop's own time. A beat delayed by the network or the browser is placed
// where it belongs, so only a loop that did not run leaves a gap.

const KEPT = 900; // a minute and a half
const RECENT = 50; // beats; the quickest one gives the offset between the clocks

export const STOPPED_MS = 350; // without a beat: three were due, so it is not jitter

export class Beats {
  times = [];
  #offsets = [];
  #waiting = [];

  /** Add a beat with the loop's time in seconds, which has just arrived. */
  add(at, now) {
    this.#offsets.push(now - at * 1000);
    if (this.#offsets.length > RECENT) this.#offsets.shift();
    const time = at * 1000 + Math.min(...this.#offsets);
    this.times.push(time);
    if (this.times.length > KEPT) this.times.shift();
    this.#waiting = this.#waiting.filter((waiter) => waiter.time >= time || waiter.resolve(true));
  }

  /** Forget everything: the next beat may come from another loop, or after a pause. */
  forget() {
    this.times = [];
    this.#offsets = [];
    for (const { resolve } of this.#waiting.splice(0)) resolve(false);
  }

  /** The time since the last beat, or null before the first. */
  silence(now) {
    return this.times.length ? Math.max(0, now - this.times.at(-1)) : null;
  }

  /** Wait for the first beat after a time; false if the connection was lost before it. */
  after(time) {
    return new Promise((resolve) => this.#waiting.push({ time, resolve }));
  }

  /** The longest time without a beat that overlaps a period, or null if it was not observed. */
  longest(from, to) {
    const { times } = this;
    if (!times.length || times[0] > from) return null;
    let longest = 0;
    for (let i = 1; i < times.length; i++) {
      if (times[i] > from && times[i - 1] < to) longest = Math.max(longest, times[i] - times[i - 1]);
    }
    return longest;
  }
}
