// What a press on an offer does, by where its ladder stands. Shared by the card, the lists and the keyboard.

import { isComplete, putAside } from '/static/js/live/buying.js';
import { holdsNow } from '/static/js/live/select.js';

/** Adds press, pressLine and pressPay to the page's context; `sheet` is the page's. */
export function wirePresses(ctx, sheet, { closeTray = () => {} } = {}) {
  const { store, buying } = ctx;
  const view = (offerId) => ctx.phase(store.state, store.state.offers[offerId]);
  const openSheet = (offerId, more) => {
    closeTray();
    sheet.open(offerId, more);
  };
  const steps = {
    idle: openSheet,
    soldout: openSheet,
    waiting: (offerId) => buying.leave(offerId),
    reserved: (offerId) => ctx.pressPay(view(offerId).hold.id),
    paid: (offerId) => location.assign(`/orders/${view(offerId).order.id}`),
  };
  Object.assign(ctx, {
    press(offerId) {
      if (!ctx.isLive()) return;
      buying.forget(offerId);
      (steps[view(offerId).phase] ?? (() => {}))(offerId);
    },
    pressLine(offerId) {
      const { phase, order } = ctx.linePhase(store.state, store.state.offers[offerId]);
      if (phase === 'idle' && order) store.update(putAside, order.id);
      if (['closed', 'soon', 'over', 'lapsed'].includes(phase)) ctx.remindOf(offerId);
      else ctx.press(offerId);
    },
    /** Pay at once if all is known and the last try did not fail; else show the sheet. */
    pressPay(holdId) {
      const hold = holdsNow(store.state, ctx.nowMs()).find(({ id }) => id === holdId);
      if (!hold || !ctx.isLive()) return;
      const { choice, acts } = store.state;
      if (isComplete(choice) && acts[hold.offer_id]?.step !== 'failed') buying.pay(hold);
      else openSheet(hold.offer_id, { quantity: hold.quantity, pick: choice.address ? 'payment' : 'address' });
    },
    openSheet,
  });
}

/** "#buy=<offer>&n=2": what was about to happen before signing in. Opens the sheet and cleans the address. */
export function takeUp(ctx) {
  const wish = new URLSearchParams(location.hash.slice(1));
  const offerId = wish.get('buy');
  if (!offerId || !ctx.store.state.offers[offerId]) return;
  history.replaceState(null, '', location.pathname + location.search);
  const { phase } = ctx.phase(ctx.store.state, ctx.store.state.offers[offerId]);
  if (phase === 'idle' || phase === 'soldout') ctx.openSheet(offerId, { quantity: Number(wish.get('n')) || 1 });
}
