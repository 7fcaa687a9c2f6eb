// The table of offers: each row is made once and brought up to date. On a phone a row is a card (data.css .stacks).

import { announce, h, icon, setAttr, setText, show, syncList } from '../dom.js';
import { decimal, money, number, t, tn } from '../i18n.js';
import { cellKey, problemOf } from './state.js';
import { takenAt } from './sums.js';

export const CELLS = ['price_minor', 'compare_at_minor', 'allotment', 'limit_per_member'];
const AMOUNTS = new Set(['price_minor', 'compare_at_minor']);

const label = {
  price_minor: (name) => t('Price of {name}', { name }),
  compare_at_minor: (name) => t('Full price of {name}', { name }),
  allotment: (name) => t('Units of {name} for the show', { name }),
  limit_per_member: (name) => t('Limit of {name} for a person', { name }),
};

/** What a cell shows of a saved offer. */
export function cellText(offer, field, currency) {
  const value = offer[field];
  if (value === null) return '';
  return AMOUNTS.has(field) ? decimal(value, currency) : String(value);
}

const head = (text, cls = '') => h(`th${cls}`, { scope: 'col' }, text);

/** An empty table in `box`; returns its body, its foot and the head that names the assumed share. */
export function makeTable(box) {
  const share = head('', '.n');
  const body = h('tbody');
  const foot = h('tfoot');
  box.replaceChildren(h('div.scroll', {}, h('table.table.stacks.draft', {},
    h('thead', {}, h('tr', {}, head(t('Product')), head(t('Price'), '.n'), head(t('Full price'), '.n'), head(t('30-day low'), '.n'),
      head(t('Deal')), head(t('For the show'), '.n'), head(t('Stock'), '.n'), head(t('Limit'), '.n'), share, head(t('Check')),
      h('th', {}, h('span.sr', {}, t('More'))))),
    body, foot)));
  return { body, foot, share };
}

function cell(offer, field, text) {
  const input = h(`input${field === 'limit_per_member' ? '.short' : ''}`, {
    dataset: { field }, inputMode: AMOUNTS.has(field) ? 'decimal' : 'numeric', autocomplete: 'off', 'aria-label': label[field](offer.title),
  });
  return h('td.n', { dataset: { label: text } }, input, h('span.hint', { id: `e-${offer.id}-${field}`, hidden: true }));
}

function makeRow(offer) {
  const grip = h('button.grip', { type: 'button', dataset: { grip: '' } }, icon('grip', 'sm'));
  return h('tr', { id: `o-${offer.id}` },
    h('td.who', {}, h('span.row', {}, grip, h('img.thumb.xs', { src: offer.picture, alt: '', loading: 'lazy' }),
      h('span.stack', {}, h('b.clip'), h('span.tiny.quiet.code', {}, offer.sku)))),
    cell(offer, 'price_minor', t('Price')), cell(offer, 'compare_at_minor', t('Full price')),
    h('td.n.quiet.low', { dataset: { label: t('30-day low') } }),
    h('td.deal', { dataset: { label: t('Deal') } }, h('label.tick', {}, h('input', { type: 'checkbox', dataset: { deal: '' } }))),
    cell(offer, 'allotment', t('For the show')), h('td.n.quiet.hand', { dataset: { label: t('Stock') } }),
    cell(offer, 'limit_per_member', t('Limit')), h('td.n.taken'), h('td.check-cell'),
    h('td.acts', {}, h('button.btn.bare.only', { type: 'button', dataset: { more: '' } }, icon('more'))));
}

function paintCell(row, offer, field, state) {
  const input = row.querySelector(`[data-field="${field}"]`);
  const edit = state.edits[cellKey(offer.id, field)];
  const problem = state.sheet.problems.find((each) => each.offer_id === offer.id && each.field === field && each.stops);
  // What is being typed is never overwritten.
  if (document.activeElement !== input) input.value = edit ? edit.text : cellText(offer, field, state.sheet.campaign.currency);
  const hint = input.nextElementSibling;
  setText(hint, edit?.error ?? '');
  show(hint, Boolean(edit?.error));
  input.closest('td').classList.toggle('bad', Boolean(edit?.error || problem));
  setAttr(input, 'aria-invalid', edit?.error || problem ? 'true' : null);
  setAttr(input, 'aria-describedby', edit?.error ? hint.id : problem ? problemId(problem) : null);
  setAttr(input, 'aria-label', label[field](offer.title));
}

export const problemId = (problem) => `p-${problem.code}-${problem.offer_id ?? 'all'}`;

function paintCheck(place, offer, state) {
  const problem = problemOf(state, offer.id);
  const key = problem ? `${problem.code} ${problem.short}` : 'ok';
  if (place.dataset.says === key) return;
  place.dataset.says = key;
  place.replaceChildren(problem
    ? h(`a.fix${problem.stops ? '' : '.soft'}`, { href: `#${problemId(problem)}` }, icon('warn', 'sm'), problem.short)
    : h('span.ok', {}, icon('check', 'sm'), h('span.sr', {}, t('ready'))));
}

function paintRow(row, offer, state) {
  const { currency } = state.sheet.campaign;
  setText(row.querySelector('b'), offer.title);
  setAttr(row.querySelector('.grip'), 'aria-label', t('Move {name}: arrow up or arrow down', { name: offer.title }));
  setAttr(row.querySelector('[data-more]'), 'aria-label', t('More for {name}', { name: offer.title }));
  for (const field of CELLS) paintCell(row, offer, field, state);
  setText(row.querySelector('.low'), decimal(offer.low_minor, currency));
  setText(row.querySelector('.hand'), number(offer.on_hand));
  const tick = row.querySelector('[data-deal]');
  const ticked = state.edits[cellKey(offer.id, 'is_deal')];
  tick.checked = ticked ? ticked.text === 'true' : offer.is_deal;
  setAttr(tick, 'aria-label', t('Call {name} a deal', { name: offer.title }));
  const taken = row.querySelector('.taken');
  setText(taken, money(takenAt(offer, state.percent), currency));
  taken.dataset.label = t('At {share} % sold', { share: state.percent });
  paintCheck(row.querySelector('.check-cell'), offer, state);
}

/** Bring the table up to date. Focus survives a row's moving. */
export function paintTable(table, state) {
  const { offers, campaign } = state.sheet;
  const focused = document.activeElement;
  setText(table.share, t('At {share} % sold', { share: state.percent }));
  syncList(table.body, offers, (offer) => offer.id, makeRow, (row, offer) => paintRow(row, offer, state));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  const total = (of) => offers.reduce((sum, offer) => sum + of(offer), 0);
  table.foot.replaceChildren(h('tr', {}, h('td', {}, tn('{n} offer', '{n} offers', offers.length)), h('td'), h('td'), h('td'), h('td'),
    h('td.n', { dataset: { label: t('For the show') } }, number(total((offer) => offer.allotment))), h('td'), h('td'),
    h('td.n', { dataset: { label: t('At {share} % sold', { share: state.percent }) } }, money(total((offer) => takenAt(offer, state.percent)), campaign.currency)), h('td'), h('td')));
}

/** Say where a row stands now. */
export function sayPlace(offers, id) {
  const place = offers.findIndex((offer) => offer.id === id);
  announce(t('{name}: place {place} of {all}', { name: offers[place].title, place: place + 1, all: offers.length }));
}
