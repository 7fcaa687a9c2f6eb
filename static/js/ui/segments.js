// Segments made of buttons (aria-pressed): one of a few, chosen without a form.

import { $$, on } from '/static/js/dom.js';

/** The value of the pressed segment, or null. */
export const chosen = (group) => group.querySelector('[aria-pressed="true"]')?.value ?? null;

export function choose(group, value) {
  for (const button of $$('button', group)) button.setAttribute('aria-pressed', String(button.value === String(value)));
}

/** Let a group of buttons choose; `changed(value)` is called on each press. */
export function wire(group, changed = () => {}) {
  return on(group, 'click', 'button', (_event, button) => {
    choose(group, button.value);
    changed(button.value);
  });
}
