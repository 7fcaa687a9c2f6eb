// A quantity between two bounds: two buttons around a number field (macro `stepper`).

import { $$ } from '/static/js/dom.js';

/** The nearest allowed whole number; what is no number becomes the least. */
export function clamp(value, min, max) {
  const whole = Math.trunc(Number(value));
  if (!Number.isFinite(whole)) return min;
  return Math.min(Math.max(whole, min), max);
}

/** Make the steppers under root work. A change is told by the field's own "change" event. */
export function wire(root = document) {
  for (const box of $$('[data-stepper]', root)) attach(box);
}

function attach(box) {
  const field = box.querySelector('input');
  const [less, more] = box.querySelectorAll('button');
  const bounds = () => [Number(field.min || 0), Number(field.max || 9999)];
  const paint = () => {
    const [min, max] = bounds();
    less.disabled = field.disabled || Number(field.value) <= min;
    more.disabled = field.disabled || Number(field.value) >= max;
  };
  const set = (value) => {
    const next = String(clamp(value, ...bounds()));
    const changed = next !== field.value;
    field.value = next;
    paint();
    if (changed) field.dispatchEvent(new Event('change', { bubbles: true }));
  };
  less.addEventListener('click', () => set(Number(field.value) - 1));
  more.addEventListener('click', () => set(Number(field.value) + 1));
  field.addEventListener('blur', () => set(field.value));
  field.addEventListener('input', paint);
  // Bounds change while the page lives (the last units go): whoever changes them tells the field.
  field.addEventListener('bounds', () => set(field.value));
  paint();
}
