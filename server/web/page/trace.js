// The trace of a heart monitor: a pen sweeps from left to right, and each beat is a spike.
//
// Without beats the line is flat, and the length of the gap is written above it.

import { milliseconds } from "./elements.js";
import { STOPPED_MS } from "./beats.js";

const MS_PER_PIXEL = 6;
const SHORTEST_MS = 2500;
const BLANK = 40; // pixels ahead of the pen
const ROOM = 50; // pixels that the label of a gap needs
const ALIVE = "#4ade9a";
const SILENT = "#ff7b6b";
// Milliseconds after a beat, and the height of the line.
const SPIKE = [[0, 0], [14, 0.1], [26, 0], [32, -0.16], [42, 1], [52, -0.3], [58, 0], [72, 0.17], [90, 0]];

export class Trace {
  constructor(canvas, beats) {
    this.canvas = canvas;
    this.beats = beats;
    this.pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#fit();
  }

  #fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.pen.scale(ratio, ratio);
    Object.assign(this.pen, { lineJoin: "round", textAlign: "center", font: "600 12px system-ui, sans-serif" });
    Object.assign(this, { width, height, window: Math.max(SHORTEST_MS, width * MS_PER_PIXEL) });
  }

  draw(now) {
    const began = now - (now % this.window);
    const at = ((now - began) / this.window) * this.width;
    this.pen.clearRect(0, 0, this.width, this.height);
    if (!this.beats.times.length) return;
    this.#sweep(began - this.window, at + BLANK, this.width, now); // what remains of the last sweep
    this.#sweep(began, 0, at, now);
  }

  /** Draw the sweep that began at a time, between two places. */
  #sweep(began, left, right, now) {
    const { pen, beats, window, width, height } = this;
    const x = (time) => ((time - began) / window) * width;
    const y = (value) => height * (0.72 - 0.56 * value);
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, right - left, height);
    pen.clip();
    beats.times.forEach((time, i) => {
      const next = beats.times[i + 1] ?? now;
      if (next < began || time > began + window) return;
      pen.globalAlpha = 1 - 0.7 * Math.min(1, (now - next) / window) ** 2;
      pen.strokeStyle = ALIVE;
      pen.lineWidth = 1.6;
      pen.beginPath();
      for (const [after, value] of SPIKE) pen.lineTo(x(time + after), y(value));
      if (next > time + 90) pen.lineTo(x(next), y(0));
      pen.stroke();
      if (next - time < STOPPED_MS) return;
      pen.strokeStyle = pen.fillStyle = SILENT;
      pen.lineWidth = 3;
      pen.beginPath();
      pen.moveTo(x(time + 90), y(0));
      pen.lineTo(x(next), y(0));
      pen.stroke();
      const ends = [Math.max(left, x(time + 90)), Math.min(right, x(next))];
      if (ends[1] - ends[0] < ROOM) return;
      pen.fillText(milliseconds(Math.round(next - time)), (ends[0] + ends[1]) / 2, y(0) - 9);
    });
    pen.restore();
  }
}
