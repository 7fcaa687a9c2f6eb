// The live page: puts the parts together. State in live/state.js, what follows from it in live/select.js.

import { $, on, pageData, setText, show } from '/static/js/dom.js';
import { t, tn } from '/static/js/i18n.js';
import { run as runCountdowns } from '/static/js/ui/countdown.js';
import { createCard } from '/static/js/live/card.js';
import { createChat, createSay } from '/static/js/live/chat.js';
import { createHearts } from '/static/js/live/hearts.js';
import { syncHolds, syncOffers } from '/static/js/live/lines.js';
import { openShow } from '/static/js/live/page.js';
import { takeUp, wirePresses } from '/static/js/live/press.js';
import { alsoOnCounter, onAir } from '/static/js/live/select.js';
import { createSheet } from '/static/js/live/sheet.js';
import { createStage } from '/static/js/live/stage.js';
import { createTeller } from '/static/js/live/tell.js';
import { createTray } from '/static/js/live/tray.js';
import { createFilm } from '/static/js/video/watch.js';

// A crowd that all loads the ended page in one instant would be a storm of its own.
const TURN_MS = 4000;

const root = document;
const parts = [];
let tell = () => {};
const ctx = openShow(pageData().snapshot, { paint, changed: (state, before) => tell(state, before) });
tell = createTeller(ctx);
const sheet = createSheet(ctx);
const tray = createTray(root, ctx);
wirePresses(ctx, sheet, { closeTray: tray.close });
const stage = createStage(root, ctx);
const chat = createChat(root, ctx);
const film = createFilm(root, ctx, () => ctx.store.repaint());
parts.push(film, stage, createCard($('#card'), ctx), { paint: paintLists }, chat, createSay(root, ctx, chat), createHearts(root, ctx), sheet, tray, { paint: paintBought });

function paint(truth) {
  root.documentElement.dataset.state = ctx.isLive() ? 'live' : ctx.status();
  // What the host points at waits for this viewer's picture; what it costs and whether it is there does not.
  const state = film.inTime(truth);
  for (const part of parts) part.paint(state);
  turnIfOver(state);
}

function paintLists(state) {
  const views = alsoOnCounter(state).map((offer) => ({ offer, view: ctx.phase(state, offer) }));
  const isKept = ({ view }) => view.phase === 'reserved' || view.phase === 'paying';
  const others = views.filter((one) => !isKept(one)).map(({ offer }) => offer);
  syncHolds($('#holds'), views.filter(isKept), state, ctx);
  syncOffers($('#shelf-list'), others, state, ctx);
  show($('#shelf'), others.length > 0);
  setText($('#shelf-title'), onAir(state) ? t('Also on the counter') : t('In this show'));
}

let boughtAt = 0;

// The figure changes each second; a line of chat that does would be a clock.
function paintBought({ counters: { bought_last_minute: bought = 0 } }) {
  const now = performance.now();
  const line = $('#bought');
  if (now - boughtAt < 5000 && !line.hidden === bought > 0) return;
  boughtAt = now;
  setText(line.lastElementChild, tn('{n} bought in the last minute', '{n} bought in the last minute', bought));
  show(line, bought > 0);
}

let turning = false;

/** The show is over: this page becomes the page of what is left, when nothing is under way here. */
function turnIfOver({ show: live, acts }) {
  if (turning || (live.state !== 'ended' && live.state !== 'scheduled' && live.state !== 'cancelled')) return;
  const isBusy = sheet.isOpen || Object.values(acts).some(({ step }) => ['reserving', 'ordering', 'joining'].includes(step));
  if (isBusy) return;
  turning = true;
  setTimeout(() => location.reload(), 1500 + Math.random() * TURN_MS);
}

on(root, 'click', '[data-share]', () => ctx.share());
addEventListener('keydown', (event) => {
  if (event.key.toLowerCase() !== 'b' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, textarea, select, dialog, [contenteditable]')) return;
  const offer = onAir(film.inTime(ctx.store.state));
  if (offer) ctx.press(offer.id);
});
// What ends by the clock (a sale, a reservation) changes the page without an event.
addEventListener('over', () => ctx.store.repaint());
setInterval(() => stage.tick(ctx.store.state), 1000);
setInterval(() => { if (ctx.store.state.me?.holds.length || !ctx.isLive()) ctx.store.repaint(); }, 1000);

paint(ctx.store.state);
stage.tick(ctx.store.state);
runCountdowns();
chat.toEnd();
takeUp(ctx);
