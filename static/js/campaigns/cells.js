// The cells of the table: read what was typed, save it, and let Enter go down the column.

import { $$, on } from '../dom.js';
import { t } from '../i18n.js';
import { parseAmount, parseWhole } from './amount.js';
import { cellText } from './rows.js';
import { cellKey } from './state.js';

// The bounds of campaigns/terms/schemas.py.
const BOUNDS = { allotment: [0, 1_000_000], limit_per_member: [1, 1000] };

/** {value} or {error} of what was typed into a field. */
export function readCell(field, text, currency) {
  if (field === 'compare_at_minor' && !text.trim()) return { value: null };
  if (field in BOUNDS) {
    const [least, most] = BOUNDS[field];
    const value = parseWhole(text, least, most);
    return value === null ? { error: t('A whole number from {least} to {most}', { least, most }) } : { value };
  }
  const value = parseAmount(text, currency);
  return value === null ? { error: t('An amount like {example}', { example: currency === 'JPY' ? '1200' : '9.95' }) } : { value };
}

/** Wire every cell under root; `save(job, key)` queues a request. */
export function wireCells(root, { state, dispatch, url, save, onRefused }) {
  const offerOf = (element) => state().sheet.offers.find((offer) => offer.id === element.closest('tr').dataset.key);
  const currency = () => state().sheet.campaign.currency;

  function take(input) {
    const offer = offerOf(input);
    const { field } = input.dataset;
    const cell = { id: offer.id, field, text: input.value };
    const { value, error } = readCell(field, input.value, currency());
    if (error) {
      dispatch({ type: 'edited', ...cell, error });
      onRefused(error);
    } else if (value === offer[field] && !state().edits[cellKey(offer.id, field)]) {
      input.value = cellText(offer, field, currency());
    } else {
      dispatch({ type: 'edited', ...cell });
      patch(value, cell);
    }
  }

  function patch(value, cell) {
    const { id, field } = cell;
    save({
      method: 'PATCH', url: `${url}/offers/${id}`, body: { [field]: value }, cell,
      refused(error) {
        const message = (error.fields[field] ?? [error.message]).join(' ');
        dispatch({ type: 'refused', id, field, message });
        onRefused(message);
      },
    }, cellKey(id, field));
  }

  function takeDeal(tick) {
    const cell = { id: offerOf(tick).id, field: 'is_deal', text: String(tick.checked) };
    dispatch({ type: 'edited', ...cell });
    patch(tick.checked, cell);
  }

  /** Undo what was typed: back to what is on its way to the server, else to what it has. */
  function putBack(input) {
    const offer = offerOf(input);
    const { field } = input.dataset;
    const edit = state().edits[cellKey(offer.id, field)];
    if (edit && !edit.error) {
      input.value = edit.text;
      return;
    }
    input.value = cellText(offer, field, currency());
    dispatch({ type: 'reverted', id: offer.id, field });
  }

  function go(input, steps) {
    const column = $$(`[data-field="${input.dataset.field}"]`, root);
    const next = column[column.indexOf(input) + steps];
    if (next) {
      next.focus();
      next.select();
    } else input.blur();
  }

  on(root, 'change', '[data-field]', (_event, input) => take(input));
  on(root, 'change', '[data-deal]', (_event, tick) => takeDeal(tick));
  on(root, 'focusin', '[data-field]', (_event, input) => input.select());
  on(root, 'keydown', '[data-field]', (event, input) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      go(input, event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') putBack(input);
  });
  // A cell is not painted while it is being typed in; what changed meanwhile shows when it is left.
  on(root, 'focusout', '[data-field]', () => dispatch({ type: 'left' }));
}
