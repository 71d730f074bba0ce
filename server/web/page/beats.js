// The beats of the event loop, placed on the clock of this page.
//
// Each beat carries the loop's own time. A beat that comes late because the network or the browser
// was slow is placed where it belongs: only a loop that did not run leaves a gap.

const KEPT = 900; // a minute and a half
const RECENT = 50; // beats, of which the quickest tells how far the clocks are apart

export const STOPPED_MS = 350; // without a beat: three were due, so this is no jitter

export class Beats {
  times = [];
  #apart = [];
  #waiting = [];

  /** Add a beat of the loop's time in seconds, which has arrived now. */
  add(at, now) {
    this.#apart.push(now - at * 1000);
    if (this.#apart.length > RECENT) this.#apart.shift();
    const time = at * 1000 + Math.min(...this.#apart);
    this.times.push(time);
    if (this.times.length > KEPT) this.times.shift();
    this.#waiting = this.#waiting.filter((one) => one.time >= time || one.heard(true));
  }

  /** Forget all: what is heard next may come from another loop, or after a rest. */
  forget() {
    this.times = [];
    this.#apart = [];
    for (const { heard } of this.#waiting.splice(0)) heard(false);
  }

  /** For how long there has been no beat, or null before the first. */
  silence(now) {
    return this.times.length ? Math.max(0, now - this.times.at(-1)) : null;
  }

  /** Wait until the loop has beaten after a time; false where it was lost before. */
  after(time) {
    return new Promise((heard) => this.#waiting.push({ time, heard }));
  }

  /** The longest time without a beat that touches a period, or null where that was not heard. */
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
