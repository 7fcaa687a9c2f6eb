// The dialog that adds products: search the catalogue, tick several, say what they start with.

import { ApiError, get } from '../api.js';
import { $, h, on, setText } from '../dom.js';
import { money, number, t, tn } from '../i18n.js';
import * as dialog from '../ui/dialog.js';
import { parseWhole } from './amount.js';

// A fast typist's pause between words; a search takes some ms.
const PAUSE_MS = 200;

const FIELDS = [['#add-off', 'off_percent', 0, 95], ['#add-share', 'share_percent', 0, 100], ['#add-limit', 'limit_per_member', 1, 1000]];

/** Wire the dialog; `add(body)` is called with what was chosen. */
export function wireAdd({ url, currency, add }) {
  const box = $('#add');
  const search = $('[type="search"]', box);
  const list = $('#found');
  const go = $('#add-go');
  const chosen = new Set();
  let asked = 0;
  let timer = 0;

  const count = () => {
    setText(go, chosen.size ? tn('Add {n} product', 'Add {n} products', chosen.size) : t('Add'));
    go.disabled = chosen.size === 0;
  };

  async function look() {
    const mine = ++asked;
    try {
      const { variants } = await get(`${url}/search?q=${encodeURIComponent(search.value)}`);
      if (mine === asked) paint(variants);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === asked) list.replaceChildren(h('p.small', { role: 'alert' }, error.message));
    }
  }

  function paint(variants) {
    list.replaceChildren(...(variants.length ? variants.map(line)
      : [h('p.small.quiet', { role: 'status' }, search.value ? t('Nothing in the catalogue matches.') : t('The catalogue is empty. Add products there first.'))]));
  }

  const line = (variant) => h('label.check.found-line', {},
    h('input', { type: 'checkbox', value: variant.variant_id, checked: variant.added || chosen.has(variant.variant_id), disabled: variant.added }),
    h('img.thumb.sm', { src: variant.picture, alt: '', loading: 'lazy' }),
    h('span.grow', {}, h('b', {}, variant.title), h('span.hint', {}, facts(variant))));

  const facts = (variant) => (variant.added ? t('{sku}, in the campaign already', variant)
    : t('{sku}, {price}, {stock} in stock', { sku: variant.sku, price: money(variant.list_minor, currency), stock: number(variant.on_hand) }));

  $('#open-add').addEventListener('click', () => {
    chosen.clear();
    search.value = '';
    count();
    dialog.open(box);
    search.focus();
    look();
  });
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  on(list, 'change', 'input', (_event, tick) => {
    if (tick.checked) chosen.add(tick.value);
    else chosen.delete(tick.value);
    count();
  });
  $('#add-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const body = starts();
    if (!body || !chosen.size) return;
    add({ ...body, variant_ids: [...chosen], is_deal: $('#add-deal').checked });
    dialog.close(box);
  });
  // Enter in the search finds; it does not add.
  search.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
}

/** The starting terms, or null with the wrong field marked. */
function starts() {
  const body = {};
  for (const [selector, name, least, most] of FIELDS) {
    const field = $(selector);
    const value = parseWhole(field.value, least, most);
    field.closest('.field').classList.toggle('bad', value === null);
    if (value === null) {
      field.focus();
      return null;
    }
    body[name] = value;
  }
  return body;
}
