// What a page knows of a show, as one plain object, and how events change it. Pure: no DOM, no clock, no network.
// The shape is that of GET /api/live/<id> (live/snapshot.py); tests/contracts replay the same events through both.

// More than a screen shows, few enough to keep; the server's snapshot carries the last 60.
const CHAT_KEPT = 200;
// What may wait behind a gap before the page stops caring and waits for the snapshot alone.
const PENDING_KEPT = 500;
const ACTIONS_KEPT = 20;

/** The state before anything happened, from a snapshot (and, on a control page, GET …/staff). */
export function start(snapshot, staff = null) {
  return { ...snapshot, staff, delayed: false, pending: {}, gaps: {}, signedOut: false, stale: false };
}

/** The streams that this page listens to, and the last number it knows of each. */
export function known(state, stream) {
  const kind = stream.slice(0, stream.indexOf(':'));
  if (kind === 'live') return state.seq;
  if (kind === 'member') return state.me?.seq ?? 0;
  return state.staff?.seq ?? 0;
}

function setKnown(state, stream, seq) {
  const kind = stream.slice(0, stream.indexOf(':'));
  if (kind === 'live') return { ...state, seq };
  if (kind === 'member') return state.me ? { ...state, me: { ...state.me, seq } } : state;
  return state.staff ? { ...state, staff: { ...state.staff, seq } } : state;
}

/** Whether something was missed (or may have been) and a snapshot is needed. */
export const needsSnapshot = (state) => state.stale || Object.keys(state.gaps).length > 0;

/**
 * The same after a join that said `told`: what came before the join is not sent any more, and the snapshot that came
 * after it may be older, because the server reads it for many (0.2 s). Nothing would close that gap but the next event.
 */
export const isBehind = (state, told) => needsSnapshot(state) || state.seq < told;

// -- Events ---------------------------------------------------------------------------------------------------------

/** A frame as sockets bring it: {stream, events: [{seq, kind, payload, at}]}. */
export const applyFrame = (state, { stream, events }) => events.reduce((next, event) => apply(next, stream, event), state);

/**
 * One event. What is already known changes nothing. What comes too early waits for what is missing; only values
 * that carry a version of their own (stock, the show) are taken at once, because they cannot go back in time.
 */
export function apply(state, stream, event) {
  const last = known(state, stream);
  if (event.seq <= last) return state;
  if (event.seq > last + 1) return wait(state, stream, event);
  return drain(setKnown(change(state, event), stream, event.seq), stream);
}

function wait(state, stream, event) {
  const waiting = state.pending[stream] ?? [];
  if (waiting.some(({ seq }) => seq === event.seq)) return state;
  const pending = [...waiting, event].sort((a, b) => a.seq - b.seq).slice(-PENDING_KEPT);
  const versioned = event.kind === 'offer.stock' || event.kind === 'show.changed';
  const next = versioned ? change(state, event) : state;
  return { ...next, pending: { ...state.pending, [stream]: pending }, gaps: { ...state.gaps, [stream]: true } };
}

/** Apply what waited and is now next; the gap closes when nothing waits any more. */
function drain(state, stream) {
  let waiting = state.pending[stream];
  if (!waiting) return state;
  let next = state;
  waiting = waiting.filter(({ seq }) => seq > known(next, stream));
  while (waiting.length && waiting[0].seq === known(next, stream) + 1) {
    const [event, ...rest] = waiting;
    next = setKnown(change(next, event), stream, event.seq);
    waiting = rest;
  }
  const { [stream]: _pending, ...pending } = next.pending;
  const { [stream]: _gap, ...gaps } = next.gaps;
  if (!waiting.length) return { ...next, pending, gaps };
  return { ...next, pending: { ...pending, [stream]: waiting }, gaps: { ...gaps, [stream]: true } };
}

const change = (state, { kind, payload, at }) => CHANGES[kind]?.(state, payload, at) ?? state;

const CHANGES = {
  'show.changed': showChanged,
  'video.changed': (state, film) => (film.rev > (state.film?.rev ?? -1) ? { ...state, film } : state),
  'offer.stock': stockChanged,
  // A member's own stream tells of every show: what is flagged for staff, its author still sees.
  'chat.said': (state, { message, live_id: show = state.show.id }) => (show === state.show.id ? withMessage(state, message) : state),
  'chat.restored': (state, { message }) => withMessage(state, message),
  'chat.removed': (state, { id }) => ({ ...state, chat: state.chat.filter((line) => line.id !== id) }),
  'hold.changed': (state, { hold }) => withHold(state, hold),
  'wait.changed': waitChanged,
  'order.changed': (state, { order }) => withOrder(state, order),
  // Some browser of this member was signed out, maybe another one: who we are is what the next snapshot says.
  signed_out: (state) => ({ ...state, stale: true }),
  muted: (state, { live_id: show, muted = true }) => (show === state.show.id ? withMe(state, { muted }) : state),
  banned: (state) => withMe(state, { banned: true }),
  'run.changed': (state, { run }) => withStaff(state, { run }),
  'desk.changed': (state, desk) => withStaff(state, desk),
  'chat.flagged': (state, { message }) => withStaff(state, { flagged: inOrder(state.staff?.flagged, message) }),
  'chat.unflagged': (state, { id }) => withStaff(state, { flagged: without(state.staff?.flagged, id) }),
  'control.done': (state, { action }) => withStaff(state, { actions: [...without(state.staff?.actions, action.id), action].slice(-ACTIONS_KEPT) }),
  'control.undone': (state, { id }) => withStaff(state, { actions: without(state.staff?.actions, id) }),
  'order.paid': (state, sale) => withStaff(state, { last_order: sale }),
};

function showChanged(state, { show = null, ...flat }) {
  const next = show ?? flat;
  if (next.rev <= state.show.rev) return state;
  return { ...state, show: { ...state.show, ...next } };
}

function stockChanged(state, { offer_id: id, stock: nested = null, ...flat }) {
  const stock = nested ?? flat;
  const offer = state.offers[id];
  if (!offer || !isNewer(stock, offer.stock)) return state;
  return { ...state, offers: { ...state.offers, [id]: { ...offer, stock } } };
}

// A rehearsal sells from rows of its own, which count their own versions.
const isNewer = (stock, known) => Boolean(stock.rehearsal) !== Boolean(known.rehearsal) || stock.version > known.version;

/** The list with the item in its place by id, once. */
function upsert(list, item) {
  const at = list.findIndex(({ id }) => id === item.id);
  return at < 0 ? [...list, item] : list.map((old, i) => (i === at ? { ...old, ...item } : old));
}

/** A line of chat, in the order of ids, once. */
export function withMessage(state, message) {
  if (state.chat.some(({ id }) => id === message.id)) return state;
  const chat = [...state.chat, message];
  for (let i = chat.length - 1; i > 0 && chat[i - 1].id > chat[i].id; i -= 1) [chat[i - 1], chat[i]] = [chat[i], chat[i - 1]];
  return { ...state, chat: chat.slice(-CHAT_KEPT) };
}

const without = (list = [], id) => list.filter((item) => item.id !== id);
const inOrder = (list, item) => [...without(list, item.id), item].sort((a, b) => a.id - b.id);
const compare = (a, b) => (a < b ? -1 : Number(a > b));
const withMe = (state, values) => (state.me ? { ...state, me: { ...state.me, ...values } } : state);
const withStaff = (state, values) => (state.staff ? { ...state, staff: { ...state.staff, ...values } } : state);

// Units that count against the limit: those held now and those bought.
const counts = (hold) => (hold && (hold.state === 'held' || hold.state === 'consumed') ? hold.quantity : 0);

/** A hold as it is now. Ended ones leave the list; the units that a member may still take follow. */
export function withHold(state, hold) {
  if (!state.me || !state.offers[hold.offer_id]) return state;
  const before = state.me.holds.find(({ id }) => id === hold.id);
  if (!before && hold.state !== 'held') return state;
  const holds = hold.state === 'held' ? upsert(state.me.holds, hold) : state.me.holds.filter(({ id }) => id !== hold.id);
  holds.sort((a, b) => compare(a.created_at, b.created_at));
  const units = (state.me.units[hold.offer_id] ?? 0) + counts(hold) - counts(before);
  return withMe(state, { holds, units: { ...state.me.units, [hold.offer_id]: Math.max(0, units) } });
}

function waitChanged(state, { offer_id: id, state: now, place, quantity, hold }) {
  if (!state.me || !state.offers[id]) return state;
  const next = withWait(state, id, now === 'waiting' ? { offer_id: id, quantity, place } : null);
  return hold ? withHold(next, hold) : next;
}

/** A place in line, or none. */
export function withWait(state, offerId, wait) {
  const waits = state.me.waits.filter((one) => one.offer_id !== offerId);
  if (wait) waits.push(wait);
  return withMe(state, { waits: waits.sort((a, b) => compare(a.offer_id, b.offer_id)) });
}

/** An order as it is now. One that went back frees units, which only the server counts: ask it. */
export function withOrder(state, order) {
  if (!state.me) return state;
  const before = state.me.orders.find(({ id }) => id === order.id);
  if (!before && !order.offer_ids.some((id) => state.offers[id])) return state;
  const orders = upsert(state.me.orders, order).sort((a, b) => a.number - b.number);
  const next = withMe(state, { orders });
  return before?.state === 'paid' && order.state !== 'paid' ? { ...next, stale: true } : next;
}

// -- What is not numbered -------------------------------------------------------------------------------------------

/** Whether counters were read in the state that the page knows. Those of a rehearsal may come when it is over and no more are sent, and would stay. */
const areOfNow = (counted, { show }) => counted.state === undefined || counted.state === show.state;

/** Counters, once a second: the newest simply replaces. */
export function applyTick(state, tick) {
  if (!areOfNow(tick, state)) return state;
  const { viewers, reactions, bought_last_minute: bought } = tick;
  const counters = { ...state.counters, viewers, reactions, bought_last_minute: bought };
  return { ...state, counters };
}

export const applyFigures = (state, figures) => (areOfNow(figures, state) ? withStaff(state, { figures: { ...state.staff?.figures, ...figures } }) : state);

export const applyDelayed = (state, { delayed }) => (state.delayed === delayed ? state : { ...state, delayed });

// -- Snapshots ------------------------------------------------------------------------------------------------------

/**
 * A fresh snapshot over what is known. It was read a moment ago, so values with a newer version of their own stay,
 * and events that came meanwhile are applied on top.
 */
export function applySnapshot(state, snapshot, staff = state.staff) {
  const signedOut = (state.signedOut || Boolean(state.me)) && !snapshot.me;
  if (snapshot.seq < state.seq) {
    const counted = staff?.figures ? applyFigures(state, staff.figures) : state; // read afresh, though the part for many was remembered
    return { ...counted, me: newerMe(state.me, snapshot.me), signedOut, stale: false };
  }
  const next = {
    ...state, ...snapshot, staff, signedOut, stale: false,
    show: snapshot.show.rev < state.show.rev ? state.show : snapshot.show,
    offers: newerStocks(state.offers, snapshot.offers),
    me: newerMe(state.me, snapshot.me),
  };
  return Object.keys(next.pending).reduce(drain, { ...next, gaps: {} });
}

const newerMe = (mine, theirs) => (mine && theirs && mine.id === theirs.id && theirs.seq < mine.seq ? mine : theirs);

function newerStocks(mine, theirs) {
  const offers = {};
  for (const [id, offer] of Object.entries(theirs)) {
    const stock = mine[id]?.stock;
    const isOurs = stock && Boolean(stock.rehearsal) === Boolean(offer.stock.rehearsal) && stock.version > offer.stock.version;
    offers[id] = isOurs ? { ...offer, stock } : offer;
  }
  return offers;
}
