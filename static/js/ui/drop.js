// File drop areas: the native field lies over them, so dropping already works; this says what was dropped.

import { $$, setText } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';

/** 1 → "1 B", 5_300_000 → "5.3 MB". */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const step = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${number(Math.round((bytes / 1000 ** step) * 10) / 10)} ${units[step]}`;
}

export function wire(root = document) {
  for (const area of $$('[data-drop]', root)) attach(area);
}

function attach(area) {
  const field = area.querySelector('input[type="file"]');
  const name = area.querySelector('[data-drop-name]');
  const empty = name.textContent;
  const over = (yes) => () => area.classList.toggle('over', yes);
  for (const type of ['dragenter', 'dragover']) area.addEventListener(type, over(true));
  for (const type of ['dragleave', 'drop', 'dragend']) area.addEventListener(type, over(false));
  field.addEventListener('change', () => {
    const file = field.files[0];
    area.classList.toggle('filled', Boolean(file));
    setText(name, file ? t('{name}, {size}', { name: file.name, size: size(file.size) }) : empty);
  });
}
