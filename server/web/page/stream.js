// The stream of /events: open only while the page is visible, and reopened when it ends.

const AGAIN_MS = 1000;

/** Listen for ever, calling `opened()`, `beat(beat)`, `stats(stats)`, `lost()` and `hidden()`. */
export function listen({ opened, beat, stats, lost, hidden }) {
  let source, timer;

  function close() {
    clearTimeout(timer);
    source?.close();
  }

  function open() {
    close();
    source = new EventSource("events");
    source.onopen = opened;
    source.addEventListener("beat", (event) => beat(JSON.parse(event.data)));
    source.onmessage = (event) => stats(JSON.parse(event.data));
    source.onerror = () => {
      close(); // the browser would give up after some errors, and wait longer and longer after others
      lost();
      timer = setTimeout(open, AGAIN_MS);
    };
  }

  function look() {
    if (!document.hidden) return open();
    close();
    hidden();
  }

  document.addEventListener("visibilitychange", look);
  look();
}
