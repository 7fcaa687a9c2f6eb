// What is on air: the product, the one clock, its units, and what can be done about its sale.

import { $, h, icon, setAttr, setText, show } from '/static/js/dom.js';
import { clock, decimal, exponent, number, t } from '/static/js/i18n.js';
import { open } from '/static/js/ui/dialog.js';
import { price, setPrice, was } from '/static/js/ui/price.js';
import { paintStockbar, stockbar } from '/static/js/ui/stockbar.js';
import { onAir, saleOf, unitsOf } from '/static/js/live/select.js';
import { bigState, isOver, soldOutIn } from '/static/js/control/select.js';

// The pace is that of the last 20 s; a number that jumps helps nobody.
const PACE_MS = 20_000;
const RESTOCK = 'livestall.restock';

export function createAir(ctx, keys) {
  const root = $('#air');
  let shown = null;
  let samples = [];
  let restock = Number(localStorage.getItem(RESTOCK)) || 20;
  const parts = {};
  const offer = () => focusOf(ctx.store.state, ctx.nowMs());
  const deed = (action, more = () => ({})) => () => { const one = offer(); if (one) ctx.act(action, { offer_id: one.id, ...more(one) }); };
  const deeds = {
    stop_sale: deed('stop_sale'), extend_sale: deed('extend_sale', () => ({ seconds: 60 })), restock: deed('restock', () => ({ quantity: restock })),
  };
  for (const [name, run] of Object.entries(deeds)) keys.on(name, run);
  const button = (name, text, iconName, cls = '') => h(`button.btn${cls}`, { type: 'button', onclick: deeds[name] }, icon(iconName), h('span', {}, text), h('span.key', { dataset: { keyOf: name } }, keys.keyOf(name)));

  function build(one) {
    const { currency } = ctx.store.state.show;
    Object.assign(parts, {
      bar: stockbar(unitsOf(one), { tall: true }), price: price(one.stock.price_minor, currency, { tag: true }),
      clock: h('span.count.huge', { role: 'timer' }), note: h('span.small.quiet'),
      left: h('b'), held: h('b'), gone: h('b'),
      stop: button('stop_sale', t('Stop'), 'stop', '.danger'), more: button('extend_sale', t('1 min'), 'plus'),
      restock: button('restock', t('Restock {n}', { n: number(restock) }), 'restock'),
      shelf: h('button.btn', { type: 'button', onclick: toggleShelf }, icon('tag'), h('span')),
      setPrice: h('button.btn.bare', { type: 'button', onclick: () => askPrice(one) }, icon('edit', 'sm'), t('Price')),
      amount: h('button.btn.bare', { type: 'button', onclick: askAmount }, icon('box', 'sm'), t('Restock amount')),
      facts: h('span.tiny.quiet'),
    });
    const struck = one.compare_at_minor ? was(one.compare_at_minor, currency) : null;
    root.replaceChildren(
      h('div.what', {}, h('img.thumb.lg', { src: one.picture, alt: '' }), h('div.stack.tight', {}, h('b', {}, one.title), parts.facts, h('span.row.wrap', {}, parts.price, struck))),
      h('div.clock', {}, parts.clock, parts.note),
      h('div.stack.tight', {}, parts.bar, h('div.legend', {}, h('span', {}, h('i'), parts.left, ` ${t('left')}`), h('span', {}, h('i.held'), parts.held, ` ${t('held')}`), h('span', {}, h('i.gone'), parts.gone, ` ${t('paid')}`))),
      h('div.keys', {}, parts.stop, parts.more, parts.shelf, parts.restock),
      h('div.row.wrap.small-acts', {}, ctx.may('price') && parts.setPrice, parts.amount));
    keys.paint();
  }

  function toggleShelf() {
    const one = offer();
    if (one) ctx.act(one.stock.mode === 'open' ? 'close_shelf' : 'open_shelf', { offer_id: one.id });
  }

  function askPrice(one) {
    const { currency } = ctx.store.state.show;
    ask({ title: t('New price of {title}', { title: one.title }), label: t('Price'), value: decimal(one.stock.price_minor, currency), act: t('Set the price'), hint: t('Reservations keep the price they were made at.'),
      save: (text) => { const minor = toMinor(text, exponent(currency)); return minor === null ? t('Write an amount, for example {example}.', { example: decimal(210, currency) }) : ctx.act('set_price', { offer_id: one.id, price_minor: minor }) && null; } });
  }

  function askAmount() {
    ask({ title: t('How many does one press of Restock add?'), label: t('Units'), value: String(restock), act: t('Keep'), hint: t('They are taken from stock on hand and go to the line first.'),
      save: (text) => {
        const units = Number(text);
        if (!Number.isInteger(units) || units < 1 || units > 100_000) return t('Write a whole number from 1.');
        restock = units;
        localStorage.setItem(RESTOCK, String(units));
        setText(parts.restock.children[1], t('Restock {n}', { n: number(units) }));
        return null;
      } });
  }

  function paintEmpty(state) {
    shown = null;
    const next = isOver(state) ? t('The show is over.') : isOnStage(state) ? t('Press "Next item", or start a flash sale.') : t('Once the show has begun, what you show stands here.');
    root.replaceChildren(h('div.empty', {}, h('h3', {}, t('Nothing on air')), h('p.small', {}, next)));
    show($('#air-chip'), false);
  }

  function paintSale(one, state) {
    const now = ctx.nowMs();
    const sale = saleOf(one, now);
    const isFlash = one.stock.mode === 'flash' && sale !== 'over';
    const chip = $('#air-chip');
    show(chip, true);
    chip.className = `chip${isFlash ? ' urgent' : one.stock.mode === 'open' ? ' stock' : ''}`;
    setText(chip, sale === 'soon' ? t('Flash sale opens soon') : isFlash ? t('Flash sale running') : one.stock.mode === 'open' ? t('On sale') : t('Not on sale'));
    show(parts.stop, isFlash);
    show(parts.more, isFlash && sale === 'open');
    // After the show one may only take off what was left on the counter (live/show/selling.py).
    const over = isOver(state);
    show(parts.shelf, !isFlash && (!over || one.stock.mode === 'open'));
    for (const part of [parts.restock, parts.setPrice, parts.amount]) show(part, !over);
    setText(parts.shelf.children[1], one.stock.mode === 'open' ? t('Take off sale') : t('Put on sale'));
    parts.shelf.disabled = one.stock.mode === 'closed' && one.stock.reserve < 1;
  }

  return {
    paint(state) {
      const one = focusOf(state, ctx.nowMs());
      if (!one) return paintEmpty(state);
      if (one.id !== shown) {
        shown = one.id;
        samples = [];
        build(one);
      }
      const { left, held, sold, reserve, waiting } = one.stock;
      setPrice(parts.price, one.stock.price_minor, state.show.currency);
      paintStockbar(parts.bar, unitsOf(one));
      // Before a product is on sale, its reserve is what is left of it.
      const closed = one.stock.mode === 'closed';
      setText(parts.left, number(closed ? left + reserve : left));
      setText(parts.held, number(held));
      setText(parts.gone, number(sold));
      setText(parts.facts, [one.sku, one.limit === 1 ? t('one each') : t('up to {n} each', { n: number(one.limit) }), reserve && !closed ? t('{n} in reserve', { n: number(reserve) }) : '', waiting ? t('{n} in line', { n: number(waiting) }) : ''].filter(Boolean).join(' · '));
      paintSale(one, state);
      const out = ctx.isLive() && !isOver(state) ? null : 'true';
      for (const name of ['stop', 'more', 'restock', 'shelf']) setAttr(parts[name], 'aria-disabled', out);
    },
    tick(state) {
      const one = state.offers[shown];
      if (!one) return;
      const now = ctx.nowMs();
      samples = [...samples.filter(({ at }) => now - at < PACE_MS), { at: now, left: one.stock.left }];
      const sale = saleOf(one, now);
      const until = one.stock.mode === 'flash' && Date.parse(sale === 'soon' ? one.stock.opens_at : one.stock.closes_at);
      const left = until ? until - now : null;
      setText(parts.clock, left === null ? '' : clock(left));
      parts.clock.classList.toggle('last', sale === 'open' && left !== null && left <= 30_000);
      show(parts.clock.parentElement, left !== null && sale !== 'over');
      setText(parts.note, noteOf(one, sale, samples));
    },
  };
}

function noteOf(one, sale, samples) {
  if (sale === 'soon') return t('until it opens');
  if (!one.stock.left) return t('Sold out. Reservations that end come back.');
  const out = soldOutIn(samples);
  const whole = clock(Date.parse(one.stock.closes_at) - Date.parse(one.stock.opens_at));
  return out === null ? t('of {whole} left', { whole }) : t('of {whole} left. At this pace, sold out in {out}', { whole, out: clock(out) });
}

const isOnStage = ({ show: { state } }) => state !== 'scheduled';

/** The offer that the panel is about: the running sale, else what is on air. */
export function focusOf(state, nowMs) {
  const big = bigState(state, nowMs);
  return state.offers[state.show.on_air] ?? state.offers[big.offerId] ?? onAir(state);
}

/** "9.95" or "9,95" in minor units, or null. */
export function toMinor(text, digits) {
  const match = /^\s*(\d{1,12})(?:[.,](\d+))?\s*$/.exec(text);
  if (!match || (match[2] ?? '').length > digits) return null;
  return Number(match[1] + (match[2] ?? '').padEnd(digits, '0')) || null;
}

/** A dialog with one field; `save(text)` gives a sentence if it is wrong. */
export function ask({ title, label, value, act, hint = '', save, long = false, maxLength = 200 }) {
  const field = long ? h('textarea.input', { id: 'ask-field', rows: 4, maxLength }, value) : h('input.input', { id: 'ask-field', value, maxLength, autocomplete: 'off' });
  if (long) field.value = value;
  const note = h('span.hint', { id: 'ask-hint' }, hint);
  const box = h('div.field', {}, h('label', { htmlFor: 'ask-field' }, label), field, note);
  field.setAttribute('aria-describedby', 'ask-hint');
  const dialog = h('dialog.sheet', { 'aria-labelledby': 'ask-title' }, h('h2', { id: 'ask-title' }, title),
    h('form.form', { onsubmit: (event) => { event.preventDefault(); submit(); } }, box,
      h('div.foot', {}, h('button.btn', { type: 'button', onclick: () => dialog.close() }, t('Cancel')), h('button.btn.act', {}, act))));
  function submit() {
    const wrong = save(field.value.trim());
    if (typeof wrong !== 'string') return dialog.close();
    box.classList.add('bad');
    setText(note, wrong);
  }
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  open(dialog);
  field.select?.();
}
