// The trace of a heart monitor: a pen sweeps from left to right, and each beat is a spike.
//
// Every spike is a beat that came; where none came the line is flat, and its length is written.

import { milliseconds } from "./elements.js";
import { STOPPED_MS } from "./beats.js";

const MS_PER_PIXEL = 6;
const SHORTEST_MS = 2500;
const BLANK = 0.04; // of the width, ahead of the pen
const SPIKE = [[0, 0], [14, 0.1], [26, 0], [32, -0.16], [42, 1], [52, -0.3], [58, 0], [72, 0.17], [90, 0]];

export class Trace {
  constructor(canvas, beats) {
    this.canvas = canvas;
    this.beats = beats;
    this.pen = canvas.getContext("2d");
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.fit();
  }

  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.width = width;
    this.height = height;
    this.window = Math.max(SHORTEST_MS, width * MS_PER_PIXEL);
    const style = getComputedStyle(this.canvas);
    this.colours = {
      grid: style.getPropertyValue("--trace-grid"),
      alive: style.getPropertyValue("--trace-alive"),
      silent: style.getPropertyValue("--trace-silent"),
    };
  }

  x = (time) => ((time % this.window) / this.window) * this.width;
  y = (value) => this.height * (0.72 - 0.56 * value);

  draw(now) {
    const { pen, window } = this;
    pen.clearRect(0, 0, this.width, this.height);
    this.#grid();
    const from = now - window * (1 - BLANK);
    const times = this.beats.times.filter((time) => time > from - 150 && time <= now);
    if (!times.length && !this.beats.times.length) return;
    let last = [Math.max(from, this.beats.times[0]), 0];
    for (const time of [...times, now]) {
      this.#piece(last, [time, 0], now);
      last = [time, 0];
      if (time === now) break;
      for (const [after, value] of SPIKE) {
        const next = [time + after, value];
        if (next[0] > now) break;
        this.#piece(last, next, now);
        last = next;
      }
    }
    this.#silences(from, now);
    pen.globalAlpha = 1;
    pen.fillStyle = this.beats.silence(now) > STOPPED_MS ? this.colours.silent : this.colours.alive;
    pen.beginPath();
    pen.arc(this.x(now), this.y(last[1]), 3.5, 0, 7);
    pen.fill();
  }

  #grid() {
    const { pen, width, height } = this;
    pen.globalAlpha = 1;
    pen.strokeStyle = this.colours.grid;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let time = 0; time < this.window; time += 500) {
      const x = Math.round(this.x(time)) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
    }
    pen.moveTo(0, Math.round(this.y(0)) + 0.5);
    pen.lineTo(width, Math.round(this.y(0)) + 0.5);
    pen.stroke();
  }

  #piece([start, from], [end, to], now) {
    if (end <= start || start < now - this.window * (1 - BLANK)) return;
    const edge = Math.ceil(start / this.window) * this.window;
    if (edge > start && edge < end) { // it leaves on the right, and comes in on the left
      const middle = from + ((to - from) * (edge - start)) / (end - start);
      this.#piece([start, from], [edge - 0.01, middle], now);
      return this.#piece([edge, middle], [end, to], now);
    }
    const { pen } = this;
    const silent = from === 0 && to === 0 && end - start > 120;
    pen.globalAlpha = silent ? 1 : 1 - 0.7 * ((now - end) / this.window) ** 2;
    pen.strokeStyle = silent ? this.colours.silent : this.colours.alive;
    pen.lineWidth = silent ? 2.5 : 1.6;
    pen.lineJoin = pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(this.x(start), this.y(from));
    pen.lineTo(this.x(end), this.y(to));
    pen.stroke();
  }

  #silences(from, now) {
    const { pen } = this;
    const times = [...this.beats.times, now];
    pen.globalAlpha = 1;
    pen.fillStyle = this.colours.silent;
    pen.font = "600 12px system-ui, sans-serif";
    pen.textAlign = "center";
    for (let i = 1; i < times.length; i++) {
      const long = times[i] - times[i - 1];
      const start = Math.max(from, times[i - 1] + 90);
      if (long < STOPPED_MS || times[i] - start < 200) continue;
      const x = this.x((start + times[i]) / 2);
      pen.fillText(milliseconds(Math.round(long)), Math.min(Math.max(x, 32), this.width - 32), this.y(0) - 9);
    }
  }
}
