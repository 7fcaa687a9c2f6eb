// Progress of work on the server: ask until it is done, paint what it says.

import { setText } from '/static/js/dom.js';

/** Bring a native <progress> up to date. done or total unknown: it shows that it works, not how far. */
export function paintProgress(bar, { done = null, total = null, state = '' }) {
  if (done === null || !total) bar.removeAttribute('value');
  else {
    bar.max = total;
    bar.value = Math.min(done, total);
  }
  bar.classList.toggle('done', state === 'done');
  bar.classList.toggle('failed', state === 'failed');
}

// 0.5 s at first, then slower to 3 s: short jobs feel quick, long ones do not hammer the server.
const FIRST_MS = 500;
const SLOWEST_MS = 3000;

/**
 * Fetch a job's state until `isOver(state)`; `paint(state)` each time. A lost connection is waited out.
 * Returns how to stop.
 */
export function follow(url, { paint, isOver, say = null, fetcher = fetch, wait = setTimeout }) {
  let stopped = false;
  let pause = FIRST_MS;
  const ask = async () => {
    if (stopped) return;
    try {
      const answer = await fetcher(url, { headers: { Accept: 'application/json' } });
      if (answer.ok) {
        const state = await answer.json();
        if (stopped) return;
        paint(state);
        if (say && state.message) setText(say, state.message);
        if (isOver(state)) return;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch says "no network" with a TypeError
    }
    pause = Math.min(pause * 1.4, SLOWEST_MS);
    wait(ask, pause);
  };
  ask();
  return () => { stopped = true; };
}
