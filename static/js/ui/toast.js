// A toast says what you just did and offers to undo it. One at a time: a new one replaces the old.

import { h, icon } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';

let current = null;

/**
 * Show a toast. With `undo` (a function) it stays for `seconds` and a bar runs out under it.
 * `kind` "urgent" is for what failed; those stay until closed. `place` is where (the page's corner by default).
 */
export function toast(text, { undo = null, seconds = undo ? 5 : 4, kind = '', place = document.getElementById('toasts'), key = '' } = {}) {
  current?.close();
  const bar = undo ? h('i.left-over', { vars: { '--w': '100%' } }) : null;
  const element = h(`div.toast${kind ? `.${kind}` : ''}`, {}, h('span.text', {}, text),
    undo && h('button.btn', { type: 'button', onclick: () => { close(); undo(); } }, icon('undo', 'sm'), t('Undo'), key && h('span.key', {}, key)),
    !undo && h('button.btn.only', { type: 'button', 'aria-label': t('Close'), onclick: () => close() }, icon('close', 'sm')), bar);
  const stop = kind === 'urgent' ? () => {} : runOut(seconds, bar, () => close());
  const entry = { close, undo: undo && (() => { close(); undo(); }) };
  function close() {
    stop();
    element.remove();
    if (current === entry) current = null;
  }
  place.append(element);
  current = entry;
  return entry;
}

/** Undo what the toast on show offers to undo (for a hotkey); whether there was one. */
export function undoLast() {
  if (!current?.undo) return false;
  current.undo();
  return true;
}

// A quarter of a second is as fine as an eye follows a 5 s bar, and costs 20 paints.
const TICK_MS = 250;

function runOut(seconds, bar, done) {
  const end = performance.now() + seconds * 1000;
  const timer = setInterval(() => {
    const left = end - performance.now();
    bar?.style.setProperty('--w', `${Math.max(0, (left / (seconds * 1000)) * 100).toFixed(1)}%`);
    if (left <= 0) done();
  }, TICK_MS);
  return () => clearInterval(timer);
}
