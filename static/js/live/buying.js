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

/** `refresh()` gets a snapshot; `said(text, kind)` tells the member. */
export function createBuying({ store, getLine, refresh, said }) {
  const show = () => store.state.show;
  const act = (offerId, value) => store.update(setAct, offerId, value);
  const actOf = (offerId) => store.state.acts[offerId] ?? null;

  /** Reserve units; when all is known pay at once. Gives the hold, or null after a refusal (which stands in acts). */
  async function claim(offerId, quantity, { shownPrice = null } = {}) {
    if (['reserving', 'ordering', 'paying'].includes(actOf(offerId)?.step)) return null;
    const key = newKey();
    const body = { key, offer_id: offerId, quantity };
    act(offerId, { step: 'reserving', quantity, key });
    try {
      const { hold } = await throughEitherDoor({
        line: getLine(), event: 'claim', data: { ...body, live_id: show().id },
        post: () => post(`/api/live/${show().id}/claims`, body), refuse: (answer) => new ApiError({ status: 409, ...answer }),
      });
      store.update(withHold, hold);
      act(offerId, null);
      if (shownPrice !== null && hold.price_minor !== shownPrice) priceMoved(hold);
      else if (isComplete(store.state.choice)) pay(hold);
      return hold;
    } catch (error) {
      refused(offerId, error, quantity);
      return null;
    }
  }

  // The price changed between the eye and the thumb: it is reserved, and the member decides.
  function priceMoved(hold) {
    const price = money(hold.price_minor, hold.currency);
    act(hold.offer_id, { step: 'failed', error: t('The price is now {price} each. Nothing is charged before you pay.', { price }), quantity: hold.quantity });
  }

  function refused(offerId, error, quantity) {
    if (!(error instanceof ApiError)) throw error;
    if (signInIfAsked(error, `#buy=${offerId}&n=${quantity}`)) return;
    act(offerId, { step: 'refused', error, quantity });
    // Not knowing is worse than a no: the snapshot says whether the units are ours.
    if (error.isUnknown || error.code === 'over_limit') refresh({ now: true });
  }

  /** Make the order of a hold and pay it, or pay the order that it already has. */
  async function pay(hold, choice = store.state.choice) {
    const offerId = hold.offer_id;
    if (['ordering', 'paying'].includes(actOf(offerId)?.step)) return;
    const order = orderOfHold(store.state, hold.id);
    const means = { method: choice.method, ...(choice.method === 'card' ? { card_id: choice.card.id } : {}) };
    act(offerId, { step: 'ordering', quantity: hold.quantity, hold, order });
    try {
      const answer = order
        ? await post(`/api/orders/${order.id}/pay`, { key: newKey(), ...means })
        : await post('/api/orders', { key: newKey(), hold_id: hold.id, address_id: choice.address.id, ...means });
      settle(offerId, answer, hold);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (signInIfAsked(error)) return;
      const made = error.extra.order_id ?? order?.id;
      if (made && GOES_ON.has(error.code)) {
        act(offerId, { step: 'paying', order: { id: made }, quantity: hold.quantity });
        look(offerId, made, 0);
        return;
      }
      act(offerId, { step: 'failed', error: error.message, order, quantity: hold.quantity });
      refresh({ now: true });
    }
  }

  /** What the server says next about an order: gone to the bank, being paid, paid, or not. */
  function settle(offerId, { order, next = {} }, hold) {
    const known = { offer_ids: [offerId], hold_ids: hold ? [hold.id] : [], ...order };
    store.update(withOrder, known);
    if (next.redirect) {
      location.assign(next.redirect);
      return;
    }
    if (next.state === 'failed') {
      act(offerId, { step: 'failed', error: failureWords(next.failure), order: known, quantity: hold?.quantity });
      return;
    }
    if (order.state === 'paid') {
      act(offerId, null);
      return;
    }
    act(offerId, { step: 'paying', order: known, quantity: hold?.quantity });
    look(offerId, known.id, FIRST_LOOK_MS);
  }

  /** Ask about an order that is being paid, slower and slower, until it is decided. */
  function look(offerId, orderId, inMs) {
    setTimeout(async () => {
      const now = actOf(offerId);
      if (now?.step !== 'paying' || now.order?.id !== orderId) return;
      try {
        const { order } = await get(`/api/orders/${orderId}`);
        store.update(withOrder, order);
        follow();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      look(offerId, orderId, Math.min(inMs * 1.5, SLOWEST_LOOK_MS));
    }, inMs);
  }

  /** Let acts follow what the server has said of their orders. */
  function follow() {
    for (const [offerId, now] of Object.entries(store.state.acts)) {
      const order = store.state.me?.orders.find(({ id }) => id === now.order?.id);
      if (!order || now.step === 'ordering') continue;
      if (order.state !== 'awaiting_payment') act(offerId, null);
      else if (now.step === 'paying' && hasFailed(order)) {
        act(offerId, { step: 'failed', error: failureWords(order.payment.failure), order, quantity: now.quantity });
      }
    }
  }

  const hasFailed = (order) => order.payment?.state === 'failed';

  /** After a reload in the middle: ask about what is not decided, and take it up again. */
  async function resume() {
    for (const { id, state: at, offer_ids: [offerId] } of store.state.me?.orders ?? []) {
      if (at !== 'awaiting_payment' || actOf(offerId)) continue;
      const { order } = await get(`/api/orders/${id}`);
      store.update(withOrder, order);
      if (order.state === 'awaiting_payment' && isRunning(order.payment) && !actOf(offerId)) {
        act(offerId, { step: 'paying', order });
        look(offerId, id, FIRST_LOOK_MS);
      }
    }
  }

  // A bank's page that was left is not waited for: it may be opened again, and news comes over the line.
  const isRunning = (payment) => payment?.method === 'card' && ['created', 'pending', 'unknown'].includes(payment.state);

  async function letGo(hold) {
    try {
      await post(`/api/holds/${hold.id}/release`, {}, { repeat: true });
      act(hold.offer_id, null);
      store.update(withHold, { ...hold, state: 'released' });
    } catch (error) {
      said(error.message, 'urgent');
      refresh({ now: true });
    }
  }

  async function join(offerId, quantity) {
    act(offerId, { step: 'joining', quantity });
    try {
      const { wait = null } = await post(`/api/live/${show().id}/waitlist`, { offer_id: offerId, quantity }, { repeat: true });
      if (wait) store.update(withWait, offerId, { offer_id: offerId, quantity: wait.quantity, place: wait.place });
      else refresh({ now: true });
      act(offerId, null);
      return true;
    } catch (error) {
      refused(offerId, error, quantity);
      return false;
    }
  }

  async function leave(offerId) {
    try {
      await del(`/api/live/${show().id}/waitlist/${offerId}`);
      store.update(withWait, offerId, null);
    } catch (error) {
      said(error.message, 'urgent');
      refresh({ now: true });
    }
  }

  const forget = (offerId) => act(offerId, null);
  return { claim, pay, letGo, join, leave, resume, follow, forget };
}

export const withChoice = (state, choice) => ({ ...state, choice: { ...state.choice, ...choice } });
