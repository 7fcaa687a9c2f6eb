// What the pages of a show say about an offer, in one place, so that card, shelf, tray and sheet agree.

import { lang, money, number, t, tn, time } from '/static/js/i18n.js';
import { saleOf, unitsOf } from '/static/js/live/select.js';

// Units that come to somebody in line are kept for 2 min (campaigns/stock/rules.py).
export const LINE_KEEPS = '2:00';

// -- Places in line: "1st", "2nd", "3rd", "4th"; Chinese says 第 n 位 for each.
export function ordinal(n) {
  const kind = new Intl.PluralRules(lang(), { type: 'ordinal' }).select(n);
  if (kind === 'one') return t('{n}st', { n: number(n) });
  if (kind === 'two') return t('{n}nd', { n: number(n) });
  if (kind === 'few') return t('{n}rd', { n: number(n) });
  return t('{n}th', { n: number(n) });
}

export const pieces = (n) => tn('{n} piece', '{n} pieces', n);

/** "2 pieces, to 14 Larch Road, Leeds" */
export function toWhere(quantity, address) {
  if (!address) return pieces(quantity);
  return t('{pieces}, to {address}', { pieces: pieces(quantity), address: `${address.line1}, ${address.city}` });
}

/** "2 × Bird ornament": what of an offer is in an order. */
export function bought(order, offer) {
  const n = order.offer_ids.reduce((sum, id, place) => (id === offer.id ? sum + order.quantities[place] : sum), 0);
  return n > 1 ? t('{n} × {title}', { n: number(n), title: offer.title }) : offer.title;
}

export const addressLine = (address) => [address.name, address.line1, address.city].filter(Boolean).join(', ');

export const cardName = (card) => t('Card ending {digits}', { digits: card.last4 });

/** The chip over the card: {text, icon, kind} where kind is a class of .flash. */
export function saleName(phase, offer) {
  if (phase === 'soldout') return { text: t('Sold out'), icon: null, kind: 'none' };
  if (phase === 'soon') return { text: t('Opens soon'), icon: 'clock', kind: 'hold' };
  if (phase === 'over') return { text: t('Sale over'), icon: null, kind: 'none' };
  if (phase === 'closed') return { text: t('Not on sale yet'), icon: null, kind: 'none' };
  if (offer.stock.mode === 'open') return { text: t('On sale'), icon: 'tag', kind: 'plain' };
  return { text: t('Flash sale'), icon: 'bolt', kind: '' };
}

/** The words before a countdown. */
export const countWords = (phase) => (phase === 'soon' ? t('opens in') : t('ends in'));

/** The small line of an offer in a list. */
export function factsOf(offer, { phase, wait, order }, show, nowMs) {
  const { left, held, waiting } = offer.stock;
  if (phase === 'waiting') return t('{place} in line', { place: ordinal(wait.place ?? 1) });
  if (phase === 'paid') return t('Paid, order {number}', { number: order.number });
  if (phase === 'soon') return t('Opens in a moment');
  if (phase === 'limit') return t('You have all you can take');
  const sale = saleOf(offer, nowMs);
  if (sale === 'open' && left > 0) return left * 5 < unitsOf(offer).total ? t('only {n} left', { n: number(left) }) : t('{n} left', { n: number(left) });
  if (sale === 'open') {
    if (waiting > 0) return t('Sold out, {n} in line', { n: number(waiting) });
    return held > 0 ? t('Sold out, {n} still held', { n: number(held) }) : t('Sold out');
  }
  if (show.next?.offer_id === offer.id && show.next.about) return t('On sale about {time}', { time: time(show.next.about) });
  if (sale === 'over') return t('Sale over');
  return show.state === 'ended' ? t('No longer on sale') : t('Later in the show');
}

/** The sentences under the price: delivery, the limit, the lowest price of 30 days. */
export function termsOf(offer, state, left) {
  const { merchant, currency } = state.show;
  const terms = [];
  if (offer.promise) terms.push(['check', offer.promise]);
  if (merchant.delivery_note) terms.push(['truck', merchant.delivery_note]);
  terms.push(['people', limitWords(offer, state, left)]);
  if (offer.lowest_30d_minor) terms.push(['info', t('Lowest price of the last 30 days was {price}', { price: money(offer.lowest_30d_minor, currency) })]);
  return terms;
}

function limitWords(offer, state, left) {
  if (!state.me || left === offer.limit) return offer.limit === 1 ? t('One each') : t('Up to {n} each', { n: number(offer.limit) });
  return t('Up to {n} each, you can still take {left}', { n: number(offer.limit), left: number(left) });
}

/** Seconds as "5:00". */
export const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
