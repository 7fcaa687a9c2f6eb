// Dialogs: the native element, a sheet on a phone and a modal on a desktop (shell.css).

import { $, h, icon, on } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';

/** Open a dialog; focus goes to its [autofocus] or first field, and back to where it was on closing. */
export function open(dialog) {
  if (dialog.open) return dialog;
  const before = document.activeElement;
  dialog.addEventListener('close', () => before?.isConnected && before.focus({ preventScroll: true }), { once: true });
  dialog.showModal();
  // The cross comes first in the markup; who opens a form wants its first field.
  $('[autofocus], input:not([type="hidden"], :disabled), select, textarea', dialog)?.focus();
  return dialog;
}

export function close(dialog, value) {
  if (dialog.open) dialog.close(value);
}

/** What every dialog of a page needs: its openers, its crosses, a press beside it, the typed word. */
export function wire(root = document) {
  on(root, 'click', '[data-open]', (event, opener) => {
    const dialog = document.getElementById(opener.dataset.open);
    if (!dialog) return;
    event.preventDefault();
    open(dialog);
  });
  on(root, 'click', '[data-close]', (_event, closer) => close(closer.closest('dialog')));
  on(root, 'pointerdown', 'dialog', (event, dialog) => {
    if (event.target === dialog && isBeside(event, dialog)) close(dialog);
  });
  on(root, 'input', '[data-must-be]', (_event, field) => gate(field));
}

// The backdrop belongs to the dialog element: a press on it has the dialog as target, outside its box.
function isBeside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/** Whether what was typed is the word; case and outer spaces do not matter. */
export const isWord = (typed, word) => typed.trim().toLocaleUpperCase() === word.toLocaleUpperCase();

function gate(field) {
  const button = $('[data-when-typed]', field.closest('dialog, form'));
  if (button) button.disabled = !isWord(field.value, field.dataset.mustBe);
}

/**
 * Ask before an act. Gives true or false. With `word` that word must be typed, for what cannot be undone.
 * `text` may be a string or an element.
 */
export function confirm({ title, text = '', act, stay = t('Leave it'), word = '', danger = Boolean(word) }) {
  return new Promise((resolve) => {
    const yes = h(`button.btn.act${danger ? '.danger' : ''}`, { type: 'submit', disabled: Boolean(word) }, act);
    const field = word && h('input.input.code', { id: 'confirm-word', autocomplete: 'off', spellcheck: false, autocapitalize: 'characters' });
    field && field.addEventListener('input', () => { yes.disabled = !isWord(field.value, word); });
    const dialog = h('dialog.sheet', { 'aria-labelledby': 'confirm-title' },
      h('div.top', {}, h('h2', { id: 'confirm-title' }, title),
        h('button.btn.bare.only', { type: 'button', 'aria-label': t('Close'), onclick: () => dialog.close('') }, icon('close'))),
      h('form.form', { onsubmit: (event) => { event.preventDefault(); if (!yes.disabled) dialog.close('yes'); } },
        text && h('div.small.quiet', {}, text),
        field && h('div.field', {}, h('label', { htmlFor: 'confirm-word' }, t('Type {word} to confirm', { word })), field),
        h('div.foot', {}, h('button.btn', { type: 'button', onclick: () => dialog.close('') }, stay), yes)));
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'yes'); });
    document.body.append(dialog);
    open(dialog);
    (field || yes).focus();
  });
}
