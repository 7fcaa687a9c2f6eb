// Lists of offers: the shelf beside the card, the tray of a phone, what is reserved elsewhere, what is left afterwards.
// One line each, kept by offer, brought up to date in place.

import { h, icon, setText, show, syncList } from '/static/js/dom.js';
import { money, t } from '/static/js/i18n.js';
import { picture, pricePair, setButton } from '/static/js/live/parts.js';
import { toPay } from '/static/js/live/discount.js';
import { payFace } from '/static/js/live/mine.js';
import { factsOf, pieces } from '/static/js/live/words.js';

/** Bring a list to match offers. */
export function syncOffers(list, offers, state, ctx) {
  syncList(list, offers, ({ id }) => id, (offer) => offerLine(offer, state, ctx), (element, offer) => element.bringUp(offer, state));
}

function offerLine(offer, state, ctx) {
  const facts = h('span.facts');
  const name = h('span.name', {}, offer.title);
  const cost = pricePair(offer, state.show.currency, { tag: false });
  const button = h('button.btn', { type: 'button', onclick: () => ctx.pressLine(offer.id) });
  const thumb = picture(offer);
  const element = h('li.product', {}, thumb, name, facts, h('span.end.row', {}, cost.nodes[0], button));
  element.bringUp = (next, now) => {
    const view = ctx.linePhase(now, next);
    setText(facts, factsOf(next, view, now.show, ctx.nowMs()));
    cost.paint(next);
    thumb.classList.toggle('faded', view.phase === 'soldout');
    paintLineButton(button, next, now, view, ctx);
  };
  return element;
}

function paintLineButton(button, offer, state, view, ctx) {
  const name = { name: offer.title };
  const asleep = !ctx.isLive();
  const reminded = state.reminded?.has(offer.id);
  const faces = {
    idle: () => ({ text: t('Buy'), label: t('Buy {name}', name) }),
    soldout: () => ({ text: t('Join'), label: t('Join the line for {name}', name) }),
    waiting: () => ({ text: t('Leave'), label: t('Leave the line for {name}', name) }),
    reserving: () => ({ text: '', busy: true, disabled: true, label: t('Reserving {name}', name) }),
    joining: () => ({ text: '', busy: true, disabled: true, label: t('Joining the line for {name}', name) }),
    reserved: () => ({ text: t('Pay'), kind: 'calm', label: t('Pay for {name}', name) }),
    paying: () => ({ text: '', busy: true, disabled: true, label: t('Paying for {name}', name) }),
    paid: () => ({ text: t('Order'), label: t('See the order of {name}', name) }),
    limit: () => ({ text: '', iconName: 'check', disabled: true, label: t('You have all you can take of {name}', name) }),
    later: () => ({ text: '', iconName: reminded ? 'check' : 'bell', label: reminded ? t('We will tell you when {name} is on sale', name) : t('Tell me when {name} is on sale', name) }),
    gone: () => ({ text: '', iconName: 'close', disabled: true, label: t('{name} is no longer on sale', name) }),
  };
  const isLater = ['closed', 'soon', 'over', 'lapsed'].includes(view.phase);
  const face = (isLater ? faces[state.show.state === 'ended' ? 'gone' : 'later'] : faces[view.phase] ?? faces.idle)();
  setButton(button, { ...face, disabled: face.disabled || (asleep && !isLater && view.phase !== 'paid') });
  if (isLater) button.setAttribute('aria-pressed', String(Boolean(reminded)));
  else button.removeAttribute('aria-pressed');
}

/** What is reserved or being paid, other than what the card shows: a line each with its own clock. */
export function syncHolds(list, entries, state, ctx) {
  syncList(list, entries, ({ offer }) => offer.id, ({ offer }) => holdLine(offer, ctx), (element, { view }) => element.bringUp(view));
  show(list, entries.length > 0);
}

function holdLine(offer, ctx) {
  const facts = h('span.facts');
  const pay = h('button.btn.calm.small', { type: 'button', onclick: () => hold && ctx.pressPay(hold.id) });
  const letGo = h('button.btn.bare.only', { type: 'button', 'aria-label': t('Let {name} go', { name: offer.title }), onclick: () => hold && ctx.letGo(hold.id) }, icon('close'));
  const face = payFace(pay);
  const busy = h('span.spin', { hidden: true });
  let hold = null;
  const element = h('li.product', {}, picture(offer, '.sm'), h('span.name.clip', {}, offer.title), facts, h('span.end.row', {}, busy, pay, letGo));
  element.bringUp = ({ phase, hold: now, failure }) => {
    hold = now ?? null;
    const isPaying = phase !== 'reserved';
    setText(facts, failure ? t('Not paid, try again') : (isPaying ? t('Paying') : t('{pieces}, {price}', { pieces: pieces(hold.quantity), price: money(toPay(ctx.store.state, hold), hold.currency) })));
    facts.classList.toggle('bad', Boolean(failure));
    if (hold) face(t('Pay'), hold.expires_at, ctx.isLive());
    show(pay, !isPaying);
    show(letGo, !isPaying);
    show(busy, isPaying);
  };
  return element;
}
