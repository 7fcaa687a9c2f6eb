// What follows from the state: which offer is on air, what its button says, how many may be taken. Pure; time and
// what this page itself is doing ("act") come as arguments. All moments are the server's, in ms.

const ms = (iso) => (iso ? Date.parse(iso) : null);

/** Offers in the merchant's order. */
export const offersInOrder = (state) => Object.values(state.offers).sort((a, b) => a.position - b.position);

/** The offer on the big card: on air, else what the run of show is at, else the first pin. */
export function onAir(state) {
  const { on_air: air, pins = [] } = state.show;
  return state.offers[air] ?? state.offers[pins.find((id) => state.offers[id])] ?? null;
}

/** The rest of the counter: pinned ones first, then the run. */
export function alsoOnCounter(state) {
  const air = onAir(state)?.id;
  const pins = state.show.pins ?? [];
  const rank = (offer) => (pins.includes(offer.id) ? pins.indexOf(offer.id) : pins.length + offer.position + 1);
  return offersInOrder(state).filter(({ id }) => id !== air).sort((a, b) => rank(a) - rank(b));
}

/** How an offer is sold right now: soon | open | over | closed, whatever was claimed of it. */
export function saleOf(offer, nowMs) {
  const { mode, opens_at: opens, closes_at: closes } = offer.stock;
  if (mode === 'open') return 'open';
  if (mode !== 'flash') return 'closed';
  if (ms(opens) > nowMs) return 'soon';
  return ms(closes) > nowMs ? 'open' : 'over';
}

/** Units as the bar draws them: all that this sale is about, without the reserve for later ones. */
export function unitsOf({ stock }) {
  const { left, held, sold } = stock;
  return { left, held, gone: sold, total: left + held + sold };
}

/** How many more a member may take, by the limit alone. */
export const mayTake = (state, offer) => Math.max(0, offer.limit - (state.me?.units[offer.id] ?? 0));

/** Running holds, the first to run out first. */
export const holdsNow = (state, nowMs) =>
  (state.me?.holds ?? []).filter((hold) => ms(hold.expires_at) > nowMs).sort((a, b) => ms(a.expires_at) - ms(b.expires_at));

export const orderOfHold = (state, holdId) =>
  (state.me?.orders ?? []).findLast((order) => order.hold_ids?.includes(holdId)) ?? null;

export const lastOrderOf = (state, offerId) => {
  const orders = (state.me?.orders ?? []).filter((order) => order.offer_ids?.includes(offerId));
  return orders.reduce((newest, order) => (newest && newest.number > order.number ? newest : order), null);
};

/**
 * What the button of an offer is at, and what it needs to say so.
 * `act` is what this page is doing about the offer: {step: 'reserving' | 'ordering' | 'paying' | 'failed', …} or nothing;
 * `seen` are ids of paid orders that the member has put aside.
 */
export function phaseOf(state, offer, { nowMs, act = null, seen = new Set() }) {
  if (act?.step === 'reserving' || act?.step === 'joining') return { phase: act.step, quantity: act.quantity };
  const hold = holdsNow(state, nowMs).find((one) => one.offer_id === offer.id);
  if (hold) return holdPhase(state, hold, act);
  if (act?.step === 'ordering' || act?.step === 'paying') return { phase: 'paying', order: act.order ?? null, quantity: act.quantity };
  const order = lastOrderOf(state, offer.id);
  if (order && isPaid(order) && !seen.has(order.id)) return { phase: 'paid', order };
  // Only news of an order carries its reason: what ran out before this page was opened is told on the order's page.
  if (order?.state === 'expired' && order.reason && !seen.has(order.id)) return { phase: 'lapsed', order };
  return counterPhase(state, offer, nowMs);
}

const isPaid = (order) => order.state === 'paid';

function holdPhase(state, hold, act) {
  const order = act?.order ?? orderOfHold(state, hold.id);
  if (act?.step === 'ordering' || act?.step === 'paying') return { phase: 'paying', hold, order, quantity: hold.quantity };
  if (order && isPaid(order)) return { phase: 'paid', order };
  return { phase: 'reserved', hold, order, failure: act?.step === 'failed' ? act.error : null, quantity: hold.quantity };
}

function counterPhase(state, offer, nowMs) {
  const wait = state.me?.waits.find((one) => one.offer_id === offer.id);
  if (wait) return { phase: 'waiting', wait };
  const sale = saleOf(offer, nowMs);
  if (sale === 'closed' || sale === 'over') return { phase: sale };
  if (sale === 'soon') return { phase: 'soon' };
  if (state.me && mayTake(state, offer) === 0) return { phase: 'limit' };
  return { phase: offer.stock.left > 0 ? 'idle' : 'soldout' };
}

/** Whether a member who has bought of an offer may buy more of it now. */
export const mayBuyMore = (state, offer, nowMs) => saleOf(offer, nowMs) === 'open' && offer.stock.left > 0 && mayTake(state, offer) > 0;

/** The moment that a phase counts down to, as ISO text, or null. */
export function countdownOf(offer, { phase, hold }) {
  if (phase === 'reserved') return hold.expires_at;
  if (phase === 'soon') return offer.stock.opens_at;
  if (phase === 'idle' || phase === 'limit') return offer.stock.mode === 'flash' ? offer.stock.closes_at : null;
  return null;
}

/** Whether the show can sell at all. */
export const isOn = (show) => show.state === 'live' || show.state === 'paused' || show.state === 'rehearsal';

/** What is still sold when the show is over. */
export const stillForSale = (state, nowMs) => offersInOrder(state).filter((offer) => saleOf(offer, nowMs) === 'open');
