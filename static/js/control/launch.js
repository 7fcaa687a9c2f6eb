// The next flash sale: which product, how long the countdown, how long it runs, how many.

import { $, h, icon, setText } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { open } from '/static/js/ui/dialog.js';
import { price } from '/static/js/ui/price.js';
import { chosen, wire } from '/static/js/ui/segments.js';
import { offersInOrder } from '/static/js/live/select.js';
import { nextForSale } from '/static/js/control/select.js';

const COUNTDOWNS = [10, 30, 60];
const LENGTHS = [3, 5, 10];

export function createLaunch(ctx, keys) {
  const root = $('#launch');
  let picked = null; // an offer id chosen by hand, until it was sold
  let shown = null;
  let quantity = null;
  const field = h('input.input.num', { id: 'launch-quantity', inputMode: 'numeric', autocomplete: 'off' });
  const label = h('label', { htmlFor: 'launch-quantity' });
  const what = h('div.what.small-what');
  const group = (text, values, unit, value) => {
    const box = h('div.segments', { role: 'group', 'aria-label': text }, values.map((one, i) => h('button', { type: 'button', value: String(one), 'aria-pressed': String(one === value) }, i === values.length - 1 ? unit(one) : number(one))));
    wire(box);
    return box;
  };
  const countdown = group(t('Countdown'), COUNTDOWNS, (n) => t('{n} s', { n }), 30);
  const length = group(t('Runs for'), LENGTHS, (n) => t('{n} min', { n }), 5);
  const start = h('button.btn.act.start', {}, icon('bolt', 'solid'), t('Start sale'), h('span.key', { dataset: { keyOf: 'start_sale' } }, keys.keyOf('start_sale')));
  root.append(what, h('div.dials', {}, h('div.field', {}, h('span.label', {}, t('Countdown')), countdown), h('div.field', {}, h('span.label', {}, t('Runs for')), length)),
    h('div.dials.last', {}, h('div.field', {}, label, field), start));
  field.addEventListener('input', () => { quantity = field.value; });

  const offer = (state) => (picked && state.offers[picked]?.stock.mode !== 'flash' ? state.offers[picked] : nextForSale(state, ctx.nowMs()));
  const available = ({ stock }) => stock.reserve + stock.left;

  async function launch() {
    const one = offer(ctx.store.state);
    if (!one || start.disabled) return;
    const units = Number(field.value);
    if (!Number.isInteger(units) || units < 1 || units > available(one)) {
      ctx.said(t('Write a quantity from 1 to {n}.', { n: number(available(one)) }), 'urgent');
      return field.focus();
    }
    const done = await ctx.act('start_sale', { offer_id: one.id, countdown_seconds: Number(chosen(countdown)), duration_seconds: Number(chosen(length)) * 60, quantity: units });
    if (done) picked = quantity = null;
  }
  root.addEventListener('submit', (event) => { event.preventDefault(); launch(); });
  keys.on('start_sale', launch);
  $('#swap').addEventListener('click', () => choose(ctx, t('Which product?'), (id) => {
    picked = id;
    quantity = null;
    ctx.store.repaint();
  }, (one) => one.stock.mode !== 'flash' && available(one) > 0));

  return {
    paint(state) {
      const one = offer(state);
      const isOn = ['live', 'paused', 'rehearsal'].includes(state.show.state);
      start.disabled = !one || !isOn || ctx.isBusy('start_sale');
      const key = one ? `${one.id}${one.stock.price_minor}` : '';
      if (key !== shown) {
        shown = key;
        what.replaceChildren(...(one ? [h('img.thumb.sm', { src: one.picture, alt: '' }), h('b.clip', {}, one.title), price(one.stock.price_minor, state.show.currency)] : [h('span.small.quiet', {}, t('Everything is on sale or sold.'))]));
      }
      setText(label, t('Quantity, of {n}', { n: number(one ? available(one) : 0) }));
      field.disabled = !one;
      if (!one) return;
      if (quantity === null && document.activeElement !== field) field.value = String(available(one));
    },
  };
}

/** Choose one of the show's offers in a dialog. */
export function choose(ctx, title, chose, fits = () => true) {
  const { state } = ctx.store;
  const rows = offersInOrder(state).filter(fits).map((one) => h('li', {}, h('button.row.pick-offer', { type: 'button', onclick: () => { dialog.close(); chose(one.id); } },
    h('img.thumb.sm', { src: one.picture, alt: '' }), h('span.grow.clip', {}, h('b', {}, one.title), h('span.tiny.quiet', {}, one.sku)), h('span.num', {}, t('{n} left', { n: number(one.stock.left + one.stock.reserve) })))));
  const dialog = h('dialog.sheet', { 'aria-labelledby': 'choose-title' },
    h('div.top', {}, h('h2', { id: 'choose-title' }, title), h('button.btn.bare.only', { type: 'button', 'aria-label': t('Close'), onclick: () => dialog.close() }, icon('close'))),
    rows.length ? h('ul.pick-list', {}, rows) : h('p.small.quiet', {}, t('There is nothing to choose from.')));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  open(dialog);
}
