// The card when something of the offer is the member's, or may become it: reserved, paying, paid, in line, lapsed.

import { h, icon, setText, show } from '/static/js/dom.js';
import { money, t, tn } from '/static/js/i18n.js';
import { paint as paintCountdown } from '/static/js/ui/countdown.js';
import { picture, setButton } from '/static/js/live/parts.js';
import { putAside } from '/static/js/live/buying.js';
import { mayBuyMore } from '/static/js/live/select.js';
import { toPay } from '/static/js/live/discount.js';
import { bought, LINE_KEEPS, ordinal, toWhere } from '/static/js/live/words.js';

function frame(kind, iconName, text, offer, ...rest) {
  const end = h('span.small.quiet.num');
  const element = h('div.mine', {}, h('div.head', {}, h(`span.flash.${kind}`, {}, iconName && icon(iconName, 'sm'), h('span', {}, text)), end),
    picture(offer, '.lg'), ...rest);
  return { element, end };
}

function reservedCard(offer, state, ctx) {
  const pay = h('button.btn.buy.big.wide', { type: 'button', onclick: () => ctx.pressPay(holdId) });
  const letGo = h('button.link', { type: 'button', onclick: () => ctx.letGo(holdId) }, t('Let it go'));
  const facts = h('p.facts.small.quiet');
  const failure = h('div.notice.urgent', { role: 'alert', hidden: true }, icon('warn'), h('span'));
  const drain = h('i');
  const foot = h('p.tiny.quiet.foot');
  let holdId = null;
  const name = h('span');
  const { element, end } = frame('hold', 'lock', name, offer, h('h2', {}, offer.title), facts, failure, pay, h('div.drain', {}, drain), foot);
  end.replaceWith(letGo);
  const face = payFace(pay);
  return {
    element,
    paint(next, now, { hold, failure: words }, rests) {
      holdId = hold.id;
      const live = ctx.isLive();
      setText(name, hold.source === 'waitlist' ? t('Your turn: kept for you') : t('Reserved for you'));
      setText(facts, toWhere(hold.quantity, now.choice.address));
      face(t('Pay {price}', { price: money(toPay(now, hold), hold.currency) }), hold.expires_at, live && !rests);
      paintDrain(drain, hold, ctx.nowMs());
      setText(foot, tn('Nothing is charged before you pay. When the time ends, it goes back on the counter.',
        'Nothing is charged before you pay. When the time ends, all {n} go back on the counter.', hold.quantity));
      show(failure, Boolean(words));
      setText(failure.lastChild, words ?? '');
    },
  };
}

/** "Pay £4.20" with its clock at the right end; the clock is painted by ui/countdown.js. */
export function payFace(button) {
  const words = h('span.grow');
  const clock = h('span.left');
  const timer = h('span.num.timer', {}, icon('clock'), clock);
  button.replaceChildren(words, timer);
  return (text, until, enabled) => {
    setText(words, text);
    if (timer.dataset.until !== until) {
      timer.dataset.until = until;
      paintCountdown(timer);
    }
    button.disabled = !enabled;
  };
}

function paintDrain(bar, hold, nowMs) {
  const whole = Date.parse(hold.expires_at) - Date.parse(hold.created_at);
  const left = Math.max(0, Date.parse(hold.expires_at) - nowMs);
  bar.style.setProperty('--w', `${((left / whole) * 100).toFixed(1)}%`);
}

function payingCard(offer) {
  const pay = h('button.btn.big.wide', { type: 'button' });
  const facts = h('p.facts.small.quiet');
  const { element, end } = frame('hold', 'lock', t('Paying'), offer, h('h2', {}, offer.title), facts, pay,
    h('p.tiny.quiet.foot', {}, t('The bank is deciding. You can go on watching, we tell you here.')));
  return {
    element,
    paint(next, now, { order, hold, quantity }) {
      const total = order?.total_minor ?? (hold ? toPay(now, hold) : null);
      setText(end, order ? t('Order {number}', { number: order.number }) : '');
      setText(facts, quantity ? toWhere(quantity, now.choice.address) : '');
      setButton(pay, { text: total === null ? t('Paying') : t('Paying {price}', { price: money(total, order?.currency ?? hold.currency) }), busy: true, disabled: true });
    },
  };
}

function paidCard(offer, state, ctx) {
  const facts = h('p.facts.small.quiet');
  const see = h('a.btn.grow', {}, t('See the order'));
  const again = h('button.btn', { type: 'button', onclick: () => ctx.store.update(putAside, orderId) });
  let orderId = null;
  const title = h('h2', {}, offer.title);
  const { element, end } = frame('paid', 'check', t('Paid'), offer, title, facts, h('div.row.foot', {}, see, again));
  return {
    element,
    paint(next, now, { order }) {
      orderId = order.id;
      setText(end, t('Order {number}', { number: order.number }));
      const note = now.show.merchant.delivery_note;
      const price = money(order.total_minor, order.currency);
      setText(title, bought(order, next));
      setText(facts, note ? t('{price}. {note}', { price, note }) : price);
      see.href = `/orders/${order.id}`;
      setText(again, mayBuyMore(now, next, ctx.nowMs()) ? t('Buy more') : t('Done'));
    },
  };
}

function waitingCard(offer, state, ctx) {
  const place = h('span.place.num');
  const rest = h('span');
  const facts = h('span.quiet');
  const leave = h('button.btn.wide', { type: 'button', onclick: () => ctx.leave(offer.id) }, t('Leave the line'));
  const { element, end } = frame('none', null, t('Sold out'), offer, h('h2', {}, place, ' ', rest),
    h('p.facts.small', {}, h('b.clip', {}, offer.title), h('br'), facts),
    h('div.notice', {}, icon('bell'), h('span', {}, t('When one is yours we tell you and keep it for {time}. You can go on watching.', { time: LINE_KEEPS }))), leave);
  element.querySelector('.thumb').classList.add('faded');
  return {
    element,
    paint(next, now, { wait }, rests) {
      setText(place, ordinal(wait.place ?? 1));
      setText(rest, t('in line'));
      setText(end, wait.quantity > 1 ? tn('for {n} piece', 'for {n} pieces', wait.quantity) : '');
      setText(facts, next.stock.held > 0 ? tn('{n} is still held and may come back', '{n} are still held and may come back', next.stock.held) : tn('The only one is paid', 'All {n} are paid', next.stock.sold));
      leave.disabled = rests || !ctx.isLive();
    },
  };
}

function lapsedCard(offer, state, ctx) {
  const words = h('span');
  let orderId = null;
  const ok = h('button.btn.grow', { type: 'button', onclick: () => ctx.store.update(putAside, orderId) }, t('Back to the counter'));
  const { element, end } = frame('none', 'hourglass', t('Time ran out'), offer, h('h2', {}, offer.title), h('p.facts'),
    h('div.notice', {}, icon('info'), words), h('div.row.foot', {}, ok));
  return {
    element,
    paint(next, now, { order }) {
      orderId = order.id;
      setText(end, t('Order {number}', { number: order.number }));
      setText(words, order.reason === 'late_payment'
        ? t('Your payment came after the time was over and the last units were gone. The money is on its way back to you.')
        : t('The reservation ended before it was paid. Nothing was charged.'));
    },
  };
}

export const MINE = { reserved: reservedCard, paying: payingCard, paid: paidCard, waiting: waitingCard, lapsed: lapsedCard };
