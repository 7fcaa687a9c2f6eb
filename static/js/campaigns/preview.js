// The side panel "Show preview": what it could bring at an assumed share sold.

import { h } from '../dom.js';
import { money, number, percent, t, tn } from '../i18n.js';
import { preview } from './sums.js';

const line = (label, value, cls = '') => h(`tr${cls}`, {}, h('th', { scope: 'row' }, label), h('td.n', {}, value));

function lines(sum, currency) {
  const rows = [line(tn('{n} unit sold', '{n} units sold', sum.sold), money(sum.taken, currency))];
  if (sum.known) rows.push(line(t('They cost you'), money(-sum.cost, currency)));
  if (sum.known && sum.unknown) rows.push(line(t('Without a known cost, not counted'), money(sum.known - sum.taken, currency)));
  if (sum.known) {
    const share = sum.known ? sum.margin / sum.known : 0;
    rows.push(h('tr.base', {}, h('th', { scope: 'row' }, t('Margin, {share}', { share: percent(share) })), h('td.n.big', {}, money(sum.margin, currency))));
  }
  return rows;
}

function notes(offers, sum, currency) {
  const said = [
    t('Everything sold would bring {money}.', { money: money(sum.full, currency) }),
    sum.below
      ? t('{below} of {all} are below their 30-day low, by {share} on average.', { below: number(sum.below), all: number(offers.length), share: percent(sum.cut) })
      : t('None is below its 30-day low.'),
  ];
  if (sum.unknown) said.push(tn('{n} product has no cost in the catalogue.', '{n} products have no cost in the catalogue.', sum.unknown));
  return h('ul.notes', {}, said.map((text) => h('li.tiny.quiet', {}, text)));
}

/** Paint the panel; `onPercent(value)` hears another assumption. Sums and words are made anew, the field stays. */
export function paintPreview(box, { offers, currency, share, onPercent }) {
  if (!offers.length) {
    box.replaceChildren(h('p.small.quiet', {}, t('Add products to see what the show could bring.')));
    return;
  }
  if (!box.querySelector('#sold-share')) {
    const field = h('input.input.num', { id: 'sold-share', type: 'number', min: 0, max: 100, value: share, inputMode: 'numeric' });
    field.addEventListener('input', () => field.validity.valid && field.value !== '' && onPercent(Math.trunc(Number(field.value))));
    box.replaceChildren(
      h('div.field.assume-one', {}, h('label', { htmlFor: 'sold-share' }, t('Sold')), h('span.affix', {}, field, h('span', {}, '%'))),
      h('div.sums'));
  }
  const sum = preview(offers, share);
  box.querySelector('.sums').replaceChildren(h('table.sum', {}, h('tbody', {}, lines(sum, currency))), notes(offers, sum, currency));
}
