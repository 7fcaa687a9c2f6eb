// Hotkeys that can be changed (WCAG 2.1.4): kept on this device, off while one types.

import { h, setText, $$ } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { open } from '/static/js/ui/dialog.js';

const KEPT = 'livestall.keys';

const names = () => ({
  next: t('Next item'), start_sale: t('Start sale'), stop_sale: t('Stop sale'), extend_sale: t('One more minute'),
  restock: t('Restock'), pause: t('Pause or go on'), undo: t('Undo'), pin: t('Pin what is on air'), put_on_air: t('Put on air'), notice: t('Pinned message'),
});

/** `defaults` come from the server: {name: letter}. */
export function createKeys(defaults) {
  let keys = { ...defaults, ...read() };
  const run = new Map();

  function read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}');
      return Object.fromEntries(Object.entries(kept).filter(([name, key]) => name in defaults && typeof key === 'string'));
    } catch {
      return {};
    }
  }

  function paint() {
    for (const element of $$('[data-key-of]')) {
      const key = keys[element.dataset.keyOf] ?? '';
      setText(element, key);
      element.hidden = !key;
    }
  }

  addEventListener('keydown', (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest('input, textarea, select, dialog, [contenteditable]')) return;
    const name = Object.keys(keys).find((one) => keys[one] && keys[one].toUpperCase() === event.key.toUpperCase());
    const deed = name && run.get(name);
    if (!deed) return;
    event.preventDefault();
    deed();
  });

  function change() {
    const fields = Object.entries(names()).filter(([name]) => name in keys).map(([name, text]) => h('div.field.keyed', {},
      h('label', { htmlFor: `key-${name}` }, text),
      h('input.input.code', { id: `key-${name}`, name, value: keys[name], maxLength: 1, autocomplete: 'off', size: 2 })));
    const error = h('p.small.urgent-words', { role: 'alert' });
    const dialog = h('dialog.sheet', { 'aria-labelledby': 'keys-title' },
      h('h2', { id: 'keys-title' }, t('Keys')), h('p.small.quiet', {}, t('One letter or digit each; empty turns a key off.')),
      h('form.form', { onsubmit: (event) => { event.preventDefault(); save(event.target); } }, h('div.key-grid', {}, fields), error,
        h('div.foot', {}, h('button.btn', { type: 'button', onclick: () => { keys = { ...defaults }; localStorage.removeItem(KEPT); paint(); dialog.close(); } }, t('As they were')), h('button.btn.act', {}, t('Keep')))));
    function save(form) {
      const next = Object.fromEntries([...new FormData(form)].map(([name, key]) => [name, key.trim().toUpperCase()]));
      const used = Object.values(next).filter(Boolean);
      if (new Set(used).size < used.length) return setText(error, t('One key is used twice.'));
      keys = next;
      localStorage.setItem(KEPT, JSON.stringify(keys));
      paint();
      dialog.close();
    }
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    open(dialog);
  }
  return { keyOf: (name) => keys[name] ?? '', on: (name, deed) => run.set(name, deed), paint, change };
}
