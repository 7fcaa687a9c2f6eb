// What the pages of a show have in common: the state and its line, snapshots, and what the buttons do.

import { io } from 'socket.io-client';
import { announce } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { ApiError, get, post, signInIfAsked, signInUrl } from '/static/js/api.js';
import { setSkew } from '/static/js/ui/countdown.js';
import { toast } from '/static/js/ui/toast.js';
import { createBuying, firstChoice, isComplete, withActs } from '/static/js/live/buying.js';
import { serverClock } from '/static/js/live/clock.js';
import { phaseOf } from '/static/js/live/select.js';
import { Line, refresher, spreadMs } from '/static/js/live/socket.js';
import { applyDelayed, applyFrame, applySnapshot, applyTick, needsSnapshot, start } from '/static/js/live/state.js';
import { createStore } from '/static/js/live/store.js';

// A gap is usually closed in 0.1 s; a page that could not close it for 3 s does not know the price any more.
const BEHIND_MS = 3000;

/**
 * Set up a page of a show from its first snapshot. `paint(state)` and `changed(state, before)` are the page's own.
 * Gives the context that every part of the page is handed.
 */
export function openShow(snapshot, { paint, changed = () => {} }) {
  const clock = serverClock();
  const entry = performance.getEntriesByType('navigation')[0];
  const arrived = performance.timeOrigin + (entry?.responseStart ?? 0);
  const adjust = (iso, sent, received) => {
    clock.sample(Date.parse(iso), sent, received);
    setSkew(clock.skew());
  };
  adjust(snapshot.now, performance.timeOrigin + (entry?.requestStart ?? 0), arrived);
  let asOf = Date.parse(snapshot.now);
  let line = null;
  let isSynced = true; // false from the moment the line is lost until a snapshot has come over the new one
  let gapSince = null;

  const store = createStore(withReminders(withActs(start(snapshot))), {
    paint,
    changed(state, before) {
      if (state.me?.banned) location.reload();
      gapSince = needsSnapshot(state) ? gapSince ?? performance.now() : null;
      if (needsSnapshot(state) && line?.isLive) refresh();
      ctx.buying.follow();
      changed(state, before);
    },
  });
  const liveId = snapshot.show.id;

  async function load() {
    const sent = Date.now();
    const fresh = await get(`/api/live/${liveId}`, { repeat: false, timeoutMs: 6000 });
    adjust(fresh.now, sent, Date.now());
    asOf = clock.now();
    isSynced = true;
    store.update((state) => keepChoice(applySnapshot(state, fresh)));
    store.repaint();
    ctx.buying.resume().catch(ignoreNetwork);
  }
  const refresh = refresher({
    load: () => load().catch((error) => { if (error.code === 'banned') location.reload(); throw error; }),
    isWanted: () => (needsSnapshot(store.state) || !isSynced) && line.isLive,
    spread: () => spreadMs(store.state.counters.viewers ?? 0),
  });

  const ctx = {
    store, clock, refresh,
    nowMs: () => clock.now(),
    asOf: () => asOf,
    /** "connecting" | "online" | "reconnecting" | "offline": the line, and whether the page has caught up with it. */
    status() {
      if (!line || line.status !== 'online') return line?.status ?? 'connecting';
      const isBehind = !isSynced || (gapSince !== null && performance.now() - gapSince > BEHIND_MS);
      return isBehind ? 'reconnecting' : 'online';
    },
    // The first seconds of a page are as true as its snapshot; after that only a line makes it so.
    isLive: () => !store.state.signedOut && (ctx.status() === 'online' || ctx.status() === 'connecting'),
    getLine: () => line,
    phase: (state, offer) => phaseOf(state, offer, { nowMs: clock.now(), act: state.acts[offer.id], seen: state.seen }),
    said: (text, kind = '') => { toast(text, { kind }); announce(text); },
  };
  ctx.buying = createBuying({ store, getLine: () => line, refresh, said: ctx.said });
  Object.assign(ctx, deeds(ctx, liveId));
  line = new Line({
    io, clock, join: { event: 'join', data: { live_id: liveId } },
    on: {
      frame(frame) {
        asOf = clock.now();
        store.update(applyFrame, frame);
      },
      tick(tick) {
        asOf = clock.now();
        store.update(applyTick, tick);
      },
      delayed: (said) => store.update(applyDelayed, said),
      joined(answer, again) {
        setSkew(clock.skew());
        if (again || answer.seq !== store.state.seq) refresh({ now: !again });
      },
      refused(answer) {
        if (answer.code === 'banned' || answer.code === 'not_found') location.reload();
      },
      status(status) {
        if (status !== 'online' && line.everJoined) isSynced = false;
        store.repaint();
      },
    },
  });
  line.open();
  ctx.buying.resume().catch(ignoreNetwork);
  return ctx;
}

const ignoreNetwork = (error) => { if (!(error instanceof ApiError)) throw error; };

// A snapshot may bring the first address or card (added in another window); a choice made here stays.
function keepChoice(state) {
  if (isComplete(state.choice)) return state;
  const first = firstChoice(state.me);
  const { address, method, card } = state.choice;
  return { ...state, choice: { address: address ?? first.address, method: method ?? first.method, card: card ?? first.card } };
}

// -- Small deeds ----------------------------------------------------------------------------------------------------

const REMINDED = 'livestall.reminded';

function withReminders(state) {
  const kept = sessionStorage.getItem(REMINDED);
  return { ...state, reminded: new Set(kept ? JSON.parse(kept) : []) };
}

function deeds(ctx, liveId) {
  const { store } = ctx;
  const remember = (ids) => {
    sessionStorage.setItem(REMINDED, JSON.stringify([...ids]));
    store.update((state) => ({ ...state, reminded: ids }));
  };
  const holdOf = (id) => store.state.me?.holds.find((hold) => hold.id === id);
  const ask = async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signInIfAsked(error)) ctx.said(error.message, 'urgent');
      return null;
    }
  };
  return {
    letGo: (id) => ctx.buying.letGo(holdOf(id)),
    leave: (offerId) => ctx.buying.leave(offerId),
    async follow() {
      const { me, show } = store.state;
      if (!me) return location.assign(signInUrl(''));
      const on = !me.following;
      return ask(async () => {
        await post(`/api/merchants/${show.merchant.id}/follow`, { on }, { repeat: true });
        store.update((state) => ({ ...state, me: { ...state.me, following: on } }));
      });
    },
    async remind() {
      const { me } = store.state;
      if (!me) return location.assign(signInUrl(''));
      const on = !me.reminder;
      return ask(async () => {
        const answer = await post(`/api/live/${liveId}/reminder`, { on }, { repeat: true });
        store.update((state) => ({ ...state, me: { ...state.me, reminder: on } }));
        return answer;
      });
    },
    /** Tell (on this page) when an offer goes on sale; again takes it back. */
    remindOf(offerId) {
      if (!offerId) return;
      const ids = new Set(store.state.reminded);
      if (!ids.delete(offerId)) {
        ids.add(offerId);
        ctx.said(t('We tell you here as soon as it is on sale.'));
      }
      remember(ids);
    },
    forgetReminder(offerId) {
      remember(new Set([...store.state.reminded].filter((id) => id !== offerId)));
    },
    share: () => share(store.state.show.title, ctx.said),
  };
}

/** The system's own sheet where there is one, else the address goes to the clipboard. */
export async function share(title, said) {
  const url = location.origin + location.pathname;
  if (navigator.share) {
    await navigator.share({ title, url }).catch(() => {});
    return;
  }
  try {
    await navigator.clipboard.writeText(url);
    said(t('The link is copied.'));
  } catch {
    said(url);
  }
}
