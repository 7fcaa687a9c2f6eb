// What the pages of a show have in common: the state and its line, snapshots, and what the buttons do.

import { io } from 'socket.io-client';
import { announce } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { ApiError, get, post, signInIfAsked, signInUrl } from '/static/js/api.js';
import { setSkew } from '/static/js/ui/countdown.js';
import { toast } from '/static/js/ui/toast.js';
import { createBuying, firstChoice, isComplete, withActs } from '/static/js/live/buying.js';
import { serverClock } from '/static/js/live/clock.js';
import { mayBuyMore, phaseOf } from '/static/js/live/select.js';
import { Line, refresher, spreadMs } from '/static/js/live/socket.js';
import { applyDelayed, applyFrame, applySnapshot, applyTick, isBehind, needsSnapshot, start } from '/static/js/live/state.js';
import { createStore } from '/static/js/live/store.js';

// A gap is usually closed in 0.1 s; a page that could not close it for 3 s does not know the price any more.
const BEHIND_MS = 3000;
const REMINDED = 'livestall.reminded';

/**
 * Set up a page of a show from its first snapshot. `paint(state)` and `changed(state, before)` are the page's own.
 * Gives the context that every part of the page is handed.
 */
export function openShow(snapshot, { paint, changed = () => {} }) {
  return new ShowPage(snapshot, paint, changed).open();
}

class ShowPage {
  #line = null;
  #isSynced = true; // false from the moment the line is lost until a snapshot has come over the new one
  #gapSince = null;
  #told = 0; // the number at which the line was joined: what the page knows must not be older
  #changed;

  constructor(snapshot, paint, changed) {
    this.liveId = snapshot.show.id;
    this.clock = serverClock();
    this.asOfMs = Date.parse(snapshot.now);
    this.#changed = changed;
    const entry = performance.getEntriesByType('navigation')[0];
    this.#adjust(snapshot.now, performance.timeOrigin + (entry?.requestStart ?? 0), performance.timeOrigin + (entry?.responseStart ?? 0));
    this.store = createStore(withReminders(withActs(start(snapshot))), { paint, changed: (...states) => this.#follow(...states) });
    this.refresh = refresher({
      load: () => this.#load(), isWanted: () => (isBehind(this.store.state, this.#told) || !this.#isSynced) && this.#line.isLive,
      spread: () => spreadMs(this.store.state.counters.viewers ?? 0),
    });
    this.buying = createBuying({ store: this.store, getLine: () => this.#line, refresh: this.refresh, said: this.said });
  }

  open() {
    this.#line = new Line({ io, clock: this.clock, join: { event: 'join', data: { live_id: this.liveId } }, on: this.#hearing() });
    this.#line.open();
    this.buying.resume().catch(ignoreNetwork);
    return this;
  }

  #hearing() {
    const { store } = this;
    return {
      frame: (frame) => {
        // What happens in the picture's time (static/js/video) needs the moment of each event, not only what it left.
        dispatchEvent(new CustomEvent('show-events', { detail: frame.events }));
        this.#heard(applyFrame, frame);
      },
      tick: (tick) => this.#heard(applyTick, tick),
      delayed: (said) => store.update(applyDelayed, said),
      joined: (answer, again) => {
        setSkew(this.clock.skew());
        this.#told = answer.seq;
        if (again || answer.seq !== store.state.seq) this.refresh({ now: !again });
      },
      refused: (answer) => { if (answer.code === 'banned' || answer.code === 'not_found') location.reload(); },
      status: (status) => {
        if (status !== 'online' && this.#line.everJoined) this.#isSynced = false;
        store.repaint();
      },
    };
  }

  #heard(reduce, data) {
    this.asOfMs = this.clock.now();
    this.store.update(reduce, data);
  }

  #follow(state, before) {
    if (state.me?.banned) location.reload();
    this.#gapSince = needsSnapshot(state) ? this.#gapSince ?? performance.now() : null;
    if (needsSnapshot(state) && this.#line?.isLive) this.refresh();
    this.buying.follow();
    this.#changed(state, before);
  }

  async #load() {
    const sent = Date.now();
    try {
      const fresh = await get(`/api/live/${this.liveId}`, { repeat: false, timeoutMs: 6000 });
      this.#adjust(fresh.now, sent, Date.now());
      const wasAway = !this.#isSynced;
      this.#isSynced = true;
      this.#heard((state) => keepChoice(applySnapshot(state, fresh)));
      this.store.repaint();
      if (wasAway) this.buying.resume().catch(ignoreNetwork);
    } catch (error) {
      if (error.code === 'banned') location.reload();
      throw error;
    }
  }

  #adjust(iso, sent, received) {
    this.clock.sample(Date.parse(iso), sent, received);
    setSkew(this.clock.skew());
  }

  // -- What the parts of a page ask ---------------------------------------------------------------------------------

  getLine = () => this.#line;

  nowMs = () => this.clock.now();

  asOf = () => this.asOfMs;

  /** "connecting" | "online" | "reconnecting" | "offline": the line, and whether the page has caught up with it. */
  status() {
    if (!this.#line || this.#line.status !== 'online') return this.#line?.status ?? 'connecting';
    const isBehind = !this.#isSynced || (this.#gapSince !== null && performance.now() - this.#gapSince > BEHIND_MS);
    return isBehind ? 'reconnecting' : 'online';
  }

  /** Whether prices may be acted on. The first seconds are as true as the first snapshot; then only a line makes them so. */
  isLive() {
    const status = this.status();
    return !this.store.state.signedOut && (status === 'online' || status === 'connecting');
  }

  phase(state, offer) {
    return phaseOf(state, offer, { nowMs: this.nowMs(), act: state.acts[offer.id], seen: state.seen });
  }

  /** The same for a line of a list: what was bought already does not stand in the way of buying more. */
  linePhase(state, offer) {
    const view = this.phase(state, offer);
    return view.phase === 'paid' && mayBuyMore(state, offer, this.nowMs()) ? { phase: 'idle', order: view.order } : view;
  }

  // -- Small deeds --------------------------------------------------------------------------------------------------

  said = (text, kind = '') => {
    toast(text, { kind });
    announce(text);
  };

  letGo(holdId) {
    const hold = this.store.state.me?.holds.find(({ id }) => id === holdId);
    return hold && this.buying.letGo(hold);
  }

  leave(offerId) {
    return this.buying.leave(offerId);
  }

  share() {
    return share(this.store.state.show.title, this.said);
  }

  follow() {
    const { me, show } = this.store.state;
    return this.#turn('following', !me?.following, (on) => post(`/api/merchants/${show.merchant.id}/follow`, { on }, { repeat: true }));
  }

  remind() {
    return this.#turn('reminder', !this.store.state.me?.reminder, (on) => post(`/api/live/${this.liveId}/reminder`, { on }, { repeat: true }));
  }

  /** Switch something of the member's on or off; gives the answer, or null when it did not happen. */
  async #turn(name, on, ask) {
    if (!this.store.state.me) return location.assign(signInUrl(''));
    try {
      const answer = await ask(on);
      this.store.update((state) => ({ ...state, me: { ...state.me, [name]: on } }));
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signInIfAsked(error)) this.said(error.message, 'urgent');
      return null;
    }
  }

  /** Tell (on this page) when an offer goes on sale; again takes it back. */
  remindOf(offerId) {
    const ids = new Set(this.store.state.reminded);
    if (!ids.delete(offerId)) {
      ids.add(offerId);
      this.said(t('We tell you here as soon as it is on sale.'));
    }
    this.#remember(ids);
  }

  forgetReminder(offerId) {
    this.#remember(new Set([...this.store.state.reminded].filter((id) => id !== offerId)));
  }

  #remember(ids) {
    sessionStorage.setItem(REMINDED, JSON.stringify([...ids]));
    this.store.update((state) => ({ ...state, reminded: ids }));
  }
}

const ignoreNetwork = (error) => { if (!(error instanceof ApiError)) throw error; };

// A snapshot may bring the first address or card (added in another window); a choice made here stays.
function keepChoice(state) {
  if (isComplete(state.choice)) return state;
  const first = firstChoice(state.me);
  const { address, method, card, coupon } = state.choice;
  return { ...state, choice: { coupon, address: address ?? first.address, method: method ?? first.method, card: card ?? first.card } };
}

function withReminders(state) {
  const kept = sessionStorage.getItem(REMINDED);
  return { ...state, reminded: new Set(kept ? JSON.parse(kept) : []) };
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
