// Countdowns: everything with data-until runs down, all on one timer. They never blink; the last seconds
// change colour once. A page that knows how far its own clock is off says so with setSkew().

import { clock } from '/static/js/i18n.js';
import { $$, setText } from '/static/js/dom.js';

let skewMs = 0;
let timer = null;

/** What to add to this device's clock to get the server's, in ms. */
export function setSkew(ms) {
  skewMs = ms;
}

export const serverNow = () => Date.now() + skewMs;

/** What a countdown shows: text, whether its last seconds run, whether it is over. */
export function face(untilMs, nowMs, lastSeconds = 30) {
  const left = untilMs - nowMs;
  return { text: clock(left), last: left > 0 && left <= lastSeconds * 1000, over: left <= 0 };
}

/** Paint one element; "over" is told once by an event on it. */
export function paint(element, nowMs = serverNow()) {
  const { text, last, over } = face(Date.parse(element.dataset.until), nowMs, Number(element.dataset.last ?? 30));
  setText(element.querySelector('.left') ?? element, text);
  element.classList.toggle('last', last);
  if (over && element.dataset.over !== element.dataset.until) {
    element.dataset.over = element.dataset.until;
    element.dispatchEvent(new CustomEvent('over', { bubbles: true }));
  }
  return over;
}

/** Keep all countdowns of the page running. Safe to call again after new ones were added. */
export function run(root = document) {
  const tick = () => {
    for (const element of $$('[data-until]', root)) paint(element);
    // To the next whole second of the server's clock, so that figures of one page change together.
    timer = setTimeout(tick, 1000 - (serverNow() % 1000) + 5);
  };
  clearTimeout(timer);
  tick();
}
