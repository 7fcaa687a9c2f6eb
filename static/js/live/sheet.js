// The sheet of an offer: how many, where to, with what, and one big button that walks the whole ladder.
// A sheet on a phone and a modal on a desktop are the same native dialog.

import { $, h, icon, setText, show } from '/static/js/dom.js';
import { money, number, t } from '/static/js/i18n.js';
import { signInUrl } from '/static/js/api.js';
import { close, open } from '/static/js/ui/dialog.js';
import { paint as paintCountdown } from '/static/js/ui/countdown.js';
import { wire as wireStepper } from '/static/js/ui/stepper.js';
import { isComplete } from '/static/js/live/buying.js';
import { couponLineOf } from '/static/js/live/coupon.js';
import { sumOf, toPay } from '/static/js/live/discount.js';
import { addressLineOf, paymentLineOf } from '/static/js/live/means.js';
import { countdown, pricePair, settling, stockBlock } from '/static/js/live/parts.js';
import { countdownOf, mayTake } from '/static/js/live/select.js';
import { countWords, LINE_KEEPS, minutes, ordinal } from '/static/js/live/words.js';

/** `ctx` is the page's; gives {open, paint, isOpen}. */
export function createSheet(ctx) {
  const dialog = h('dialog.sheet.buy-sheet', { 'aria-labelledby': 'sheet-name' });
  document.body.append(dialog);
  let body = null;
  dialog.addEventListener('close', () => { body = null; dialog.replaceChildren(); });
  return {
    get isOpen() {
      return dialog.open;
    },
    close: () => close(dialog),
    /** Show an offer; `quantity` as wished before, `pick` opens "address" or "payment" at once. */
    open(offerId, { quantity = 1, pick = '' } = {}) {
      const { state } = ctx.store;
      body = sheetBody(state.offers[offerId], state, ctx, () => close(dialog), quantity);
      dialog.replaceChildren(h('div.grip'), ...body.nodes);
      wireStepper(dialog);
      body.paint(state);
      open(dialog);
      body.focus(pick);
    },
    paint(state) {
      if (body) body.paint(state);
    },
  };
}

function sheetBody(offer, state, ctx, shut, wished) {
  const { currency } = state.show;
  const count = countdown('');
  const cost = pricePair(offer, currency);
  const stock = stockBlock(offer, currency, offer.lowest_30d_minor ? t('30-day low was {price}', { price: money(offer.lowest_30d_minor, currency) }) : '');
  const many = stepper(wished);
  const payment = paymentLineOf(ctx);
  // Who has just said where to is asked how to pay next.
  const address = addressLineOf(ctx, () => !ctx.store.state.choice.method && payment.open(true));
  const coupon = couponLineOf(ctx, offer.id, () => ctx.store.state.offers[offer.id].stock.price_minor * quantity());
  const refusal = h('div.notice.urgent', { role: 'alert', hidden: true }, icon('warn'), h('span.grow'));
  const go = bigButton(ctx.store.repaint);
  const foot = h('p.tiny.quiet.center');
  const picks = h('div.choices', {}, many.element, coupon.nodes, address.nodes, payment.nodes);
  const closer = h('button.btn.only.bare', { type: 'button', 'aria-label': t('Close'), onclick: shut }, icon('close'));
  const nodes = [
    intro(offer, count.element, closer, cost.nodes), stock.element, offer.promise && h('p.small.promise', {}, icon('check', 'sm'), offer.promise), picks, refusal, go.element, foot,
  ].filter(Boolean);

  const quantity = () => Number(many.field.value) || 1;
  const press = createPress({ offer, ctx, quantity, shut, address, payment });
  go.element.addEventListener('click', () => press(go.view));

  return {
    nodes,
    focus: (pick) => focusOn(pick, { address, payment, go }),
    paint(now) {
      const next = now.offers[offer.id];
      const view = ctx.phase(now, next);
      if (view.phase === 'paid') return shut();
      count.paint(ctx.isLive() ? countdownOf(next, view) : null, view.phase === 'reserved' ? t('kept for you') : countWords(view.phase), view.phase === 'soon' ? 0 : 30);
      cost.paint(next);
      stock.paint(next);
      many.paint(next, now, view);
      paintMeans([address, payment, coupon], now, view);
      paintRefusal(refusal, now.acts[offer.id], view);
      go.paint(next, now, view, quantity(), ctx.isLive());
      paintFoot(foot, footWords(next, now, view));
    },
  };
}

const intro = (offer, count, closer, prices) => h('div.intro', {}, h('img', { src: offer.picture, alt: '' }),
  h('div.stack', {}, h('div.split', {}, count, closer), h('h2', { id: 'sheet-name' }, offer.title), h('div.row', {}, prices)));

function focusOn(pick, { address, payment, go }) {
  if (pick === 'address') address.open(true);
  else if (pick === 'payment') payment.open(true);
  else go.element.focus();
}

// Only who can buy now is asked where to and with what.
const NO_BUYER = new Set(['soldout', 'waiting', 'joining', 'closed', 'over']);

function paintMeans(lines, state, view) {
  const isBuyer = Boolean(state.me) && !NO_BUYER.has(view.phase);
  for (const line of lines) {
    show(line.nodes[0], isBuyer);
    if (isBuyer) line.paint(state);
    else line.open(false);
  }
}

/** What the big button does, by where the ladder stands. */
function createPress({ offer, ctx, quantity, shut, address, payment }) {
  const missing = () => {
    const { choice } = ctx.store.state;
    if (!choice.address) address.open(true);
    else if (!choice.method) payment.open(true);
    return !isComplete(choice);
  };
  return async (view) => {
    const { buying, store } = ctx;
    if (!store.state.me) location.assign(signInUrl(`#buy=${offer.id}&n=${quantity()}`));
    else if (view.phase === 'reserved') {
      if (missing()) return;
      buying.pay(view.hold);
      shut();
    } else if (view.phase === 'soldout') await buying.join(offer.id, quantity()) && shut();
    else if (view.phase === 'waiting') buying.leave(offer.id);
    else if (view.phase === 'idle') {
      const shownPrice = store.state.offers[offer.id].stock.price_minor;
      const isReady = isComplete(store.state.choice);
      const hold = await buying.claim(offer.id, quantity(), { shownPrice });
      if (hold && isReady) shut();
      else if (hold) missing();
    }
  };
}

function stepper(value) {
  const field = h('input', { id: 'f-quantity', name: 'quantity', type: 'number', inputMode: 'numeric', value: String(value), min: '1', max: '1' });
  const hint = h('span.tiny.quiet');
  const element = h('div.pick', {}, h('span.what', {}, h('label', { htmlFor: 'f-quantity' }, t('How many')), hint),
    h('span.stepper', { dataset: { stepper: '' } }, h('button', { type: 'button', 'aria-label': t('One fewer') }, icon('minus')), field,
      h('button', { type: 'button', 'aria-label': t('One more') }, icon('plus'))));
  return {
    element, field,
    paint(offer, state, view) {
      const may = mayTake(state, offer);
      const most = Math.max(1, ['soldout', 'joining'].includes(view.phase) ? may : Math.min(may, offer.stock.left));
      if (field.max !== String(most)) {
        field.max = String(most);
        field.dispatchEvent(new Event('bounds'));
      }
      const isFixed = !['idle', 'soldout'].includes(view.phase);
      if (field.disabled !== isFixed || (isFixed && view.quantity && field.value !== String(view.quantity))) {
        field.disabled = isFixed;
        if (isFixed && view.quantity) field.value = String(view.quantity);
        field.dispatchEvent(new Event('input'));
      }
      setText(hint, offer.limit === 1 ? t('one each') : t('up to {n} each', { n: number(offer.limit) }));
    },
  };
}

function bigButton(again) {
  const rests = settling(again);
  const words = h('span.grow');
  const sum = h('span.num');
  const clock = h('span.left');
  const timer = h('span.num.timer', { hidden: true }, icon('clock'), clock);
  const spin = h('span.spin', { hidden: true });
  const element = h('button.btn.big.wide', { type: 'button' }, spin, words, sum, timer);
  return {
    element, view: null,
    paint(offer, state, view, quantity, live) {
      this.view = view;
      const face = faceOf(offer, state, view, quantity, live);
      setText(words, face.text);
      setText(sum, face.sum ?? '');
      show(sum, Boolean(face.sum));
      show(spin, Boolean(face.busy));
      element.classList.toggle('buy', Boolean(face.buy));
      element.disabled = [face.off, face.busy, rests(view.phase)].some(Boolean);
      const until = view.phase === 'reserved' && live ? view.hold.expires_at : null;
      show(timer, Boolean(until));
      if (until && timer.dataset.until !== until) {
        timer.dataset.until = until;
        paintCountdown(timer);
      }
    },
  };
}

function faceOf(offer, state, view, quantity, live) {
  const { currency } = state.show;
  if (!live) return { text: t('Waiting for the connection'), busy: true };
  const sum = money(sumOf(state, offer.stock.price_minor, quantity), currency);
  const n = { n: number(quantity) };
  switch (view.phase) {
    case 'reserving': return { text: t('Reserving {n}', n), busy: true };
    case 'joining': return { text: t('Joining the line'), busy: true };
    case 'paying': return { text: t('Paying'), busy: true };
    case 'reserved': return { text: t('Pay {price}', { price: money(toPay(state, view.hold), view.hold.currency) }), buy: true };
    case 'soldout': return { text: state.me ? t('Join the line') : t('Sign in to join the line') };
    case 'waiting': return { text: t('Leave the line') };
    case 'limit': return { text: t('You have all you can take'), off: true };
    case 'soon': return { text: t('Opens in a moment'), off: true };
    case 'closed': return { text: t('Not on sale yet'), off: true };
    case 'over': return { text: t('The sale is over'), off: true };
    default: return { text: state.me ? t('Buy {n}', n) : t('Sign in to buy'), sum, buy: true };
  }
}

function paintRefusal(element, act, view) {
  const words = act?.step === 'refused' ? act.error.message : view.failure ?? '';
  show(element, Boolean(words));
  setText($('span', element), words);
}

function paintFoot(foot, sentences) {
  const key = sentences.join('|');
  if (foot.dataset.face === key) return;
  foot.dataset.face = key;
  foot.replaceChildren(...sentences.map((text) => h('span', {}, text)));
}

function footWords(offer, { show: live }, view) {
  if (view.phase === 'waiting') return [t('You are {place} in line. When one is yours we keep it for 2:00.', { place: ordinal(view.wait.place ?? 1) })];
  if (view.phase === 'soldout') return [t('Units that are not paid come back. The line gets them first, in order, and has 2:00 to take them.')];
  const time = view.hold?.source === 'waitlist' ? LINE_KEEPS : minutes(offer.hold_seconds);
  const kept = t('Kept for you for {time} while you pay.', { time });
  return [kept, live.merchant.delivery_note, live.merchant.returns_note].filter(Boolean);
}
