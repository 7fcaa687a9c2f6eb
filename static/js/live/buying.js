// The ladder: claim → order → payment, and the line for what is sold out. One act an offer at a time; what the page
// is doing stands in state.acts, what is true comes from the server. Nothing is called yours before it is.

import { ApiError, del, get, newKey, post, signInIfAsked } from '/static/js/api.js';
import { money, t } from '/static/js/i18n.js';
import { throughEitherDoor } from '/static/js/live/socket.js';
import { orderOfHold } from '/static/js/live/select.js';
import { withHold, withOrder, withWait } from '/static/js/live/state.js';

// A card is decided in 1 to 8 s. News comes over the line; asking is for when the line is not there.
const FIRST_LOOK_MS = 2500;
const SLOWEST_LOOK_MS = 8000;
// The order is there and something is already happening to it: look instead of saying no.
const GOES_ON = new Set(['already_ordered', 'already_paid', 'payment_running']);

const setAct = (state, offerId, act) => {
  const { [offerId]: _before, ...acts } = state.acts;
  return { ...state, acts: act ? { ...acts, [offerId]: act } : acts };
};

export const putAside = (state, orderId) => ({ ...state, seen: new Set([...state.seen, orderId]) });

/** What buying adds to a state: what this page is doing, and which finished orders were put aside. */
export const withActs = (state) => ({ ...state, acts: {}, seen: new Set(), choice: firstChoice(state.me) });

/** Where to and with what, as far as the member has told us before. */
export function firstChoice(me) {
  const cards = me?.cards ?? [];
  const card = cards.find((one) => one.is_default) ?? cards[0] ?? null;
  return { address: me?.default_address ?? null, method: card ? 'card' : null, card };
}

/** Why a payment did not go through, from the provider's code. */
export function failureWords(code) {
  if (code === 'abandoned') return t('The payment was not finished. Nothing was charged. You can try again.');
  if (code === 'timeout' || code === 'timed_out') return t('The bank did not answer in time. Nothing was charged. You can try again.');
  return t('The bank said no. Nothing was charged. Try again, or pay another way.');
}

/** Whether an order can be made of it without asking anything. */
export const isComplete = ({ address, method, card }) => Boolean(address && (method === 'bank_page' || (method === 'card' && card)));

/** `getLine()` gives the page's line, `refresh()` gets a snapshot, `said(text, kind)` tells the member. */
export const createBuying = (parts) => new Buying(parts);

class Buying {
  constructor({ store, getLine, refresh, said }) {
    Object.assign(this, { store, getLine, refresh, said });
  }

  get #liveId() {
    return this.store.state.show.id;
  }

  #act(offerId, value) {
    this.store.update(setAct, offerId, value);
  }

  #actOf(offerId) {
    return this.store.state.acts[offerId] ?? null;
  }

  forget(offerId) {
    this.#act(offerId, null);
  }

  /**
   * Reserve units and, when address and means are known, pay at once. Gives the hold, or null after a refusal (which
   * stands in acts). `shownPrice` is what the member saw: if another one holds by now, it is not paid without asking.
   */
  async claim(offerId, quantity, { shownPrice = null } = {}) {
    if (['reserving', 'ordering', 'paying'].includes(this.#actOf(offerId)?.step)) return null;
    const body = { key: newKey(), offer_id: offerId, quantity };
    this.#act(offerId, { step: 'reserving', quantity });
    try {
      const { hold } = await throughEitherDoor({
        line: this.getLine(), event: 'claim', data: { ...body, live_id: this.#liveId },
        post: () => post(`/api/live/${this.#liveId}/claims`, body), refuse: (answer) => new ApiError({ status: 409, ...answer }),
      });
      this.store.update(withHold, hold);
      this.#act(offerId, null);
      if (shownPrice !== null && hold.price_minor !== shownPrice) this.#priceMoved(hold);
      else if (isComplete(this.store.state.choice)) this.pay(hold);
      return hold;
    } catch (error) {
      this.#refused(offerId, error, quantity);
      return null;
    }
  }

  #priceMoved(hold) {
    const price = money(hold.price_minor, hold.currency);
    const error = t('The price is now {price} each. Nothing is charged before you pay.', { price });
    this.#act(hold.offer_id, { step: 'failed', error, quantity: hold.quantity });
  }

  #refused(offerId, error, quantity) {
    if (!(error instanceof ApiError)) throw error;
    if (signInIfAsked(error, `#buy=${offerId}&n=${quantity}`)) return;
    this.#act(offerId, { step: 'refused', error, quantity });
    // Not knowing is worse than a no: the snapshot says whether the units are ours.
    if (error.isUnknown || error.code === 'over_limit') this.refresh({ now: true });
  }

  /** Make the order of a hold and pay it, or pay the order that it already has. */
  async pay(hold, choice = this.store.state.choice) {
    const { offer_id: offerId, quantity } = hold;
    if (['ordering', 'paying'].includes(this.#actOf(offerId)?.step)) return;
    const order = orderOfHold(this.store.state, hold.id);
    const means = { method: choice.method, ...(choice.method === 'card' ? { card_id: choice.card.id } : {}) };
    this.#act(offerId, { step: 'ordering', quantity, hold, order });
    try {
      const answer = order
        ? await post(`/api/orders/${order.id}/pay`, { key: newKey(), ...means })
        : await post('/api/orders', { key: newKey(), hold_id: hold.id, address_id: choice.address.id, ...means, ...(choice.coupon ? { coupon: choice.coupon.code } : {}) });
      this.#settle(offerId, answer, hold);
    } catch (error) {
      this.#notPaid(error, hold, order);
    }
  }

  #notPaid(error, { offer_id: offerId, quantity }, order) {
    if (!(error instanceof ApiError)) throw error;
    if (signInIfAsked(error)) return;
    const made = error.extra.order_id ?? order?.id;
    if (made && GOES_ON.has(error.code)) {
      this.#act(offerId, { step: 'paying', order: { id: made }, quantity });
      this.#look(offerId, made, 0);
      return;
    }
    this.#act(offerId, { step: 'failed', error: error.message, order, quantity });
    this.refresh({ now: true });
  }

  /** What the server says next about an order: gone to the bank, being paid, paid, or not. */
  #settle(offerId, { order, next = {} }, { id: holdId, quantity }) {
    const known = { offer_ids: [offerId], hold_ids: [holdId], ...order };
    this.store.update(withOrder, known);
    if (next.redirect) location.assign(next.redirect);
    else if (next.state === 'failed') this.#act(offerId, { step: 'failed', error: failureWords(next.failure), order: known, quantity });
    else if (order.state === 'paid') this.#act(offerId, null);
    else {
      this.#act(offerId, { step: 'paying', order: known, quantity });
      this.#look(offerId, known.id, FIRST_LOOK_MS);
    }
  }

  /** Ask about an order that is being paid, slower and slower, until it is decided. */
  #look(offerId, orderId, inMs) {
    setTimeout(async () => {
      const now = this.#actOf(offerId);
      if (now?.step !== 'paying' || now.order?.id !== orderId) return;
      try {
        const { order } = await get(`/api/orders/${orderId}`);
        this.store.update(withOrder, order);
        this.follow();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      this.#look(offerId, orderId, Math.min(Math.max(inMs * 1.5, FIRST_LOOK_MS), SLOWEST_LOOK_MS));
    }, inMs);
  }

  /** Let acts follow what the server has said of their orders. */
  follow() {
    for (const [offerId, now] of Object.entries(this.store.state.acts)) {
      const order = this.store.state.me?.orders.find(({ id }) => id === now.order?.id);
      if (!order || now.step === 'ordering') continue;
      if (order.state !== 'awaiting_payment') this.#act(offerId, null);
      else if (now.step === 'paying' && order.payment?.state === 'failed') {
        this.#act(offerId, { step: 'failed', error: failureWords(order.payment.failure), order, quantity: now.quantity });
      }
    }
  }

  /** After a reload in the middle: ask about what is not decided, and take it up again. */
  async resume() {
    for (const { id, state: at, offer_ids: [offerId] } of this.store.state.me?.orders ?? []) {
      if (at !== 'awaiting_payment' || this.#actOf(offerId)) continue;
      const { order } = await get(`/api/orders/${id}`);
      this.store.update(withOrder, order);
      if (order.state === 'awaiting_payment' && isRunning(order.payment) && !this.#actOf(offerId)) {
        this.#act(offerId, { step: 'paying', order });
        this.#look(offerId, id, FIRST_LOOK_MS);
      }
    }
  }

  async letGo(hold) {
    try {
      await post(`/api/holds/${hold.id}/release`, {}, { repeat: true });
      this.#act(hold.offer_id, null);
      this.store.update(withHold, { ...hold, state: 'released' });
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Take a place in line; whether it was given. */
  async join(offerId, quantity) {
    this.#act(offerId, { step: 'joining', quantity });
    try {
      const { wait } = await post(`/api/live/${this.#liveId}/waitlist`, { offer_id: offerId, quantity }, { repeat: true });
      // Units had come back meanwhile: they are held at once, and nobody waits.
      this.store.update(withWait, offerId, wait.hold ? null : { offer_id: offerId, quantity: wait.quantity, place: wait.place });
      if (wait.hold) this.store.update(withHold, wait.hold);
      this.#act(offerId, null);
      return true;
    } catch (error) {
      this.#refused(offerId, error, quantity);
      return false;
    }
  }

  async leave(offerId) {
    try {
      await del(`/api/live/${this.#liveId}/waitlist/${offerId}`);
      this.store.update(withWait, offerId, null);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error) {
    if (!(error instanceof ApiError)) throw error;
    this.said(error.message, 'urgent');
    this.refresh({ now: true });
  }
}

// A bank's page that was left is not waited for: it may be opened again, and news comes over the line.
const isRunning = (payment) => payment?.method === 'card' && ['created', 'pending', 'unknown'].includes(payment.state);

export const withChoice = (state, choice) => ({ ...state, choice: { ...state.choice, ...choice } });
