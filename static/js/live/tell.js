// What is said aloud and what pops up: changes of stock and orders for screen readers, at most one in 5 s, and toasts
// for what happened to the member while they looked elsewhere.

import { announce } from '/static/js/dom.js';
import { money, number, t, tn } from '/static/js/i18n.js';
import { toast } from '/static/js/ui/toast.js';
import { onAir, saleOf } from '/static/js/live/select.js';
import { ordinal } from '/static/js/live/words.js';

// A screen reader needs about this long for a sentence; the newest of each kind wins.
const PAUSE_MS = 5000;

/** Says the newest words of each kind, one after another, `PAUSE_MS` apart. */
export function speaker({ say = announce, pauseMs = PAUSE_MS, env = globalThis } = {}) {
  const waiting = new Map();
  let timer = null;
  const next = () => {
    const [kind] = waiting.keys();
    if (kind === undefined) {
      timer = null;
      return;
    }
    say(waiting.get(kind));
    waiting.delete(kind);
    timer = env.setTimeout(next, pauseMs);
  };
  return (kind, text) => {
    waiting.delete(kind);
    waiting.set(kind, text);
    timer ??= env.setTimeout(next, 0);
  };
}

/** Compare the state before and after a change and tell what matters to this member. */
export function createTeller(ctx) {
  const say = speaker();
  return (state, before) => {
    if (state.show !== before.show || state.offers !== before.offers) aboutCounter(say, state, before, ctx.nowMs());
    if (state.me && before.me && state.me !== before.me) aboutMe(say, state, before);
    if (state.offers !== before.offers) aboutReminded(state, before, ctx);
  };
}

function aboutCounter(say, state, before, nowMs) {
  const offer = onAir(state);
  if (!offer) return;
  const name = { name: offer.title, price: money(offer.stock.price_minor, state.show.currency) };
  const old = before.offers[offer.id];
  if (onAir(before)?.id !== offer.id) say('air', t('On the counter: {name}, {price}', name));
  if (!old || old.stock === offer.stock) return;
  const [was, is] = [saleOf(old, nowMs), saleOf(offer, nowMs)];
  if (is === 'open' && was !== 'open') say('sale', t('On sale now: {name}, {price}', name));
  else if (is === 'soon' && was !== 'soon') say('sale', t('{name} is on sale in a moment', name));
  else if (is === 'closed' && was === 'open') say('sale', t('The sale of {name} is over', name));
  if (old.stock.price_minor !== offer.stock.price_minor) say('price', t('{name} now costs {price}', name));
  if (is !== 'open' || old.stock.left === offer.stock.left) return;
  if (offer.stock.left === 0) say('stock', t('{name} is sold out', name));
  else say('stock', tn('{n} left', '{n} left', offer.stock.left));
}

function aboutMe(say, state, before) {
  const title = (id) => state.offers[id]?.title ?? '';
  const air = onAir(state)?.id;
  for (const order of state.me.orders) {
    const old = before.me.orders.find(({ id }) => id === order.id);
    if (old?.state === order.state) continue;
    const isShown = order.offer_ids.includes(air);
    if (order.state === 'paid') tellOrder(say, t('Paid. Order {number}, {name}', { number: order.number, name: title(order.offer_ids[0]) }), 'paid', isShown);
    else if (order.state === 'expired') tellOrder(say, t('Order {number} ran out of time', { number: order.number }), 'lost', isShown);
  }
  for (const hold of state.me.holds) {
    if (before.me.holds.some(({ id }) => id === hold.id)) continue;
    if (hold.source !== 'waitlist') say('hold', tn('{n} reserved for you', '{n} reserved for you', hold.quantity));
    else tellOrder(say, t('Your turn: {name} is kept for you for 2 minutes', { name: title(hold.offer_id) }), 'turn', hold.offer_id === air);
  }
  for (const wait of state.me.waits) {
    const old = before.me.waits.find(({ offer_id: id }) => id === wait.offer_id);
    if (old?.place !== wait.place) say('place', t('{name}: you are {place} in line', { name: title(wait.offer_id), place: ordinal(wait.place ?? 1) }));
  }
  const lost = before.me.waits.filter((old) => !state.me.waits.some((wait) => wait.offer_id === old.offer_id) && !state.me.holds.some((hold) => hold.offer_id === old.offer_id));
  for (const wait of lost) say('place', t('You are no longer in line for {name}', { name: title(wait.offer_id) }));
}

// What the card itself shows needs no toast over it.
function tellOrder(say, text, kind, isShown) {
  say(`order-${kind}`, text);
  if (!isShown) toast(text, { seconds: kind === 'turn' ? 10 : 5 });
  if (kind === 'turn') navigator.vibrate?.(200);
}

function aboutReminded(state, before, ctx) {
  for (const id of state.reminded) {
    const [old, offer] = [before.offers[id], state.offers[id]];
    if (!offer || old?.stock === offer.stock) continue;
    if (saleOf(offer, ctx.nowMs()) !== 'closed' && saleOf(old, ctx.nowMs()) === 'closed') {
      toast(t('{name} is on sale, {n} pieces', { name: offer.title, n: number(offer.stock.left) }), { seconds: 8 });
      ctx.forgetReminder(id);
    }
  }
}
