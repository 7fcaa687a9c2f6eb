// After the show: what is left is still sold here, with the same ladder as on air.

import { $, on, pageData, setText, show } from '/static/js/dom.js';
import { t, tn } from '/static/js/i18n.js';
import { run as runCountdowns } from '/static/js/ui/countdown.js';
import { syncHolds, syncOffers } from '/static/js/live/lines.js';
import { openShow } from '/static/js/live/page.js';
import { takeUp, wirePresses } from '/static/js/live/press.js';
import { isOn, offersInOrder, saleOf } from '/static/js/live/select.js';
import { createSheet } from '/static/js/live/sheet.js';
import { lineState } from '/static/js/live/status.js';
import { createTeller } from '/static/js/live/tell.js';
import { createReplay } from '/static/js/video/replay.js';

let tell = () => {};
let sheet = null;
const ctx = openShow(pageData().snapshot, { paint, changed: (state, before) => tell(state, before) });
tell = createTeller(ctx);
sheet = createSheet(ctx);
wirePresses(ctx, sheet);

// What is the member's although it is not on sale: where they stand in line, what they bought.
const KEPT = new Set(['waiting', 'paid', 'joining', 'reserving']);

function paint(state) {
  if (isOn(state.show)) {
    location.reload();
    return;
  }
  document.documentElement.dataset.state = ctx.isLive() ? 'live' : ctx.status();
  const views = offersInOrder(state).map((offer) => ({ offer, view: ctx.phase(state, offer) }));
  const isMine = ({ view }) => view.phase === 'reserved' || view.phase === 'paying';
  const isOpen = ({ offer }) => saleOf(offer, ctx.nowMs()) === 'open';
  const left = views.filter((one) => !isMine(one) && isOpen(one));
  const kept = views.filter((one) => !isMine(one) && !isOpen(one) && KEPT.has(one.view.phase));
  syncHolds($('#holds'), views.filter(isMine), state, ctx);
  show($('#mine'), views.some(isMine) || kept.length > 0);
  syncOffers($('#kept-list'), kept.map(({ offer }) => offer), state, ctx);
  syncOffers($('#shelf-list'), left.map(({ offer }) => offer), state, ctx);
  show($('#nothing-left'), left.length === 0);
  show($('#still-head'), left.length > 0);
  setText($('#still-count'), left.length ? tn('{n} product', '{n} products', left.length) : '');
  paintFollow($('[data-follow]'), Boolean(state.me?.following), state.show.merchant.name);
  lineState($('#line-state'), ctx);
  sheet?.paint(state);
}

function paintFollow(button, isSet, shop) {
  button.setAttribute('aria-pressed', String(isSet));
  setText(button, isSet ? t('Following') : t('Follow {shop}', { shop }));
}

on(document, 'click', '[data-follow]', () => ctx.follow());
addEventListener('over', () => ctx.store.repaint());
setInterval(() => { if (ctx.store.state.me?.holds.length || !ctx.isLive()) ctx.store.repaint(); }, 1000);
paint(ctx.store.state);
runCountdowns();
takeUp(ctx);
createReplay(ctx.liveId);
