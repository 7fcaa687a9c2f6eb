// What the parts of the control page share: the state, the line, and one way to act with its undo.

import { io } from 'socket.io-client';
import { announce } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { ApiError, get, newKey, post } from '/static/js/api.js';
import { setSkew } from '/static/js/ui/countdown.js';
import { toast } from '/static/js/ui/toast.js';
import { serverClock } from '/static/js/live/clock.js';
import { Line, refresher } from '/static/js/live/socket.js';
import { applyDelayed, applyFigures, applyFrame, applySnapshot, applyTick, isBehind, needsSnapshot, start } from '/static/js/live/state.js';
import { createStore } from '/static/js/live/store.js';

const UNDO_PLACE = () => document.getElementById('undo');

/** Set up the page: {store, clock, act, undo, said, isBusy, line}. `paint(state)` is called at most once a frame. */
export function openDesk({ snapshot, staff }, { paint, keyOf }) {
  const clock = serverClock();
  const liveId = snapshot.show.id;
  const busy = new Set();
  const mine = new Set(); // actions of this page: their toast is there already
  let line = null;
  let told = 0;
  const entry = performance.getEntriesByType('navigation')[0];
  clock.sample(Date.parse(snapshot.now), performance.timeOrigin + (entry?.requestStart ?? 0), performance.timeOrigin + (entry?.responseStart ?? 0));
  setSkew(clock.skew());

  const store = createStore(start(snapshot, staff), {
    paint,
    changed(state, before) {
      if (needsSnapshot(state) && line?.isLive) refresh();
      // Figures come once a second while a show is on or rehearsed. Afterwards nothing would take the last ones away.
      if (state.show.state !== before.show.state && ['scheduled', 'ended'].includes(state.show.state)) refresh({ now: true });
      tellOthers(state, before);
    },
  });

  async function load() {
    const sent = Date.now();
    const [fresh, own] = await Promise.all([get(`/api/live/${liveId}`, { repeat: false, timeoutMs: 6000 }), get(`/api/live/${liveId}/staff`, { repeat: false, timeoutMs: 6000 })]);
    clock.sample(Date.parse(fresh.now), sent, Date.now());
    store.update(applySnapshot, fresh, own);
  }
  const refresh = refresher({ load, isWanted: () => isBehind(store.state, told) && line.isLive });

  /** What another control page did is said here too, with its undo while there is time. */
  function tellOthers(state, before) {
    const action = state.staff.actions.at(-1);
    if (!action || action.id === before.staff.actions.at(-1)?.id || mine.has(action.id)) return;
    if (before.staff.actions.some(({ id }) => id === action.id)) return;
    const left = action.undo_until ? (Date.parse(action.undo_until) - clock.now()) / 1000 : 0;
    offer(t('{name}: {what}', { name: action.by, what: action.label }), action, left);
  }

  function offer(text, action, seconds) {
    const undo = seconds > 0.5 ? () => ctx.undo(action) : null;
    toast(text, { undo, seconds: undo ? seconds : 4, place: UNDO_PLACE(), key: undo ? keyOf('undo') : '' });
    announce(text);
  }

  const ctx = {
    store, clock, refresh,
    liveId,
    isBusy: (name) => busy.has(name),
    isLive: () => line === null || line.status === 'online' || line.status === 'connecting',
    status: () => line?.status ?? 'connecting',
    getLine: () => line,
    nowMs: () => clock.now(),
    may: (what) => Boolean(store.state.me?.can?.[what]),
    said: (text, kind = '') => { toast(text, { kind, place: UNDO_PLACE() }); announce(text); },
    /** Do one action; its answer, or null after saying why not. A second press while it is under way does nothing. */
    async act(action, data = {}) {
      if (busy.has(action)) return null;
      busy.add(action);
      store.repaint();
      try {
        const { action: done } = await post(`/api/live/${liveId}/control`, { key: newKey(), action, ...data });
        mine.add(done.id);
        offer(done.label, done, done.undo_until ? (Date.parse(done.undo_until) - clock.now()) / 1000 : 0);
        return done;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        ctx.said([error.message, ...Object.values(error.fields).flat()].join(' '), 'urgent');
        return null;
      } finally {
        busy.delete(action);
        store.repaint();
      }
    },
    async undo(action) {
      try {
        const answer = await post(`/api/live/${liveId}/control`, { key: newKey(), action: 'undo', action_id: action.id });
        mine.add(answer.action.id);
        ctx.said(answer.action.label);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        ctx.said(error.message, 'urgent');
      }
    },
  };

  line = new Line({
    io, clock, join: { event: 'join_control', data: { live_id: liveId } }, also: ['tick', 'figures', 'delayed'],
    on: {
      frame: (frame) => store.update(applyFrame, frame),
      tick: (tick) => store.update(applyTick, tick),
      figures: (figures) => store.update(applyFigures, figures),
      delayed: (said) => store.update(applyDelayed, said),
      joined(answer, again) {
        setSkew(clock.skew());
        const { state } = store;
        told = answer.seq;
        if (again || answer.seq !== state.seq || answer.staff_seq !== state.staff.seq) refresh({ now: true });
      },
      refused: () => location.reload(),
      status: () => store.repaint(),
    },
  });
  line.open();
  return ctx;
}
