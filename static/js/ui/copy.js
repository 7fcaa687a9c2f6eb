// Copy to the clipboard and say so on the button itself.

import { t } from '/static/js/i18n.js';
import { announce, on } from '/static/js/dom.js';

// 2 s: long enough to be read, short enough to copy the next thing.
const SAID_MS = 2000;

/** Whether the text is on the clipboard now. Plain HTTP pages and old browsers have no clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Buttons with data-copy="text" copy it; data-copy="#id" copies that element's text or value. */
export function wire(root = document) {
  on(root, 'click', '[data-copy]', async (_event, button) => {
    const wanted = button.dataset.copy;
    const source = wanted.startsWith('#') ? root.querySelector(wanted) : null;
    const done = await copy(source ? source.value ?? source.textContent : wanted);
    const said = done ? t('Copied') : t('Please copy it by hand');
    announce(said);
    const label = button.querySelector('[data-label]');
    if (!label) return;
    const before = (button.dataset.before ??= label.textContent);
    label.textContent = said;
    setTimeout(() => { label.textContent = before; }, SAID_MS);
  });
}
