// The stream of /events: open only while the page is seen, and opened again when it ends.

const AGAIN_MS = 1000;

/** Listen for ever: `opened()`, `beat(beat)`, `stats(stats)`, `lost()` and `hidden()` are told. */
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
      close(); // the browser would give up on some errors, and wait ever longer on others
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
