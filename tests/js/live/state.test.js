import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hold, iso, live, me, offer, order, random, shuffled, snapshot } from './helpers.js';

const { apply, applyDelayed, applyFigures, applyFrame, applySnapshot, applyTick, isBehind, needsSnapshot, start } = await import('/static/js/live/state.js');

const L = 'live:s';
const M = 'member:m';
const stock = (version, left, more = {}) => ({ offer_id: 'a', ...offer('a').stock, version, left, ...more });
const said = (id) => ({ message: { id, name: 'Bob', role: null, body: `line ${id}`, by: 'bb' } });
const run = (state, stream, events) => applyFrame(state, { stream, events });
const visible = ({ seq, show, offers, chat, me: own }) => ({ seq, show, offers, chat, me: own });

test('the next event is applied and its number is known', () => {
  const next = apply(start(snapshot()), L, live(101, 'offer.stock', stock(11, 3)));
  assert.equal(next.seq, 101);
  assert.equal(next.offers.a.stock.left, 3);
  assert.equal(needsSnapshot(next), false);
});

test('what is known already changes nothing', () => {
  const state = apply(start(snapshot()), L, live(101, 'chat.said', said(7)));
  assert.equal(apply(state, L, live(101, 'chat.said', said(8))), state);
  assert.equal(apply(state, L, live(5, 'show.changed', { rev: 99, title: 'Old' })), state);
});

test('older values of stock and show are ignored, even under a new number', () => {
  const state = run(start(snapshot()), L, [live(101, 'offer.stock', stock(9, 99)), live(102, 'show.changed', { rev: 3, title: 'Older' })]);
  assert.equal(state.offers.a.stock.left, 5);
  assert.equal(state.show.title, 'Show');
  assert.equal(state.seq, 102);
});

test('a gap asks for a snapshot, and what came early is not lost', () => {
  const state = run(start(snapshot()), L, [live(103, 'chat.said', said(9)), live(104, 'chat.removed', { id: 9 })]);
  assert.equal(state.seq, 100);
  assert.equal(needsSnapshot(state), true);
  assert.equal(state.chat.length, 1);
  const healed = run(state, L, [live(101, 'chat.said', said(7)), live(102, 'chat.said', said(8))]);
  assert.equal(healed.seq, 104);
  assert.deepEqual(healed.chat.map(({ id }) => id), [1, 7, 8]);
  assert.equal(needsSnapshot(healed), false);
});

test('stock that comes early is shown at once, because it has a version of its own', () => {
  const state = apply(start(snapshot()), L, live(110, 'offer.stock', stock(15, 0)));
  assert.equal(state.offers.a.stock.left, 0);
  assert.equal(state.seq, 100);
});

test('a snapshot closes the gap and what came meanwhile goes on top of it', () => {
  const state = run(start(snapshot()), L, [live(103, 'chat.said', said(9)), live(105, 'chat.said', said(11)), live(106, 'chat.said', said(12))]);
  const fresh = snapshot({ seq: 104, chat: [7, 8, 9, 10].map((id) => said(id).message) });
  const next = applySnapshot(state, fresh);
  assert.equal(next.seq, 106);
  assert.deepEqual(next.chat.map(({ id }) => id), [7, 8, 9, 10, 11, 12]);
  assert.equal(needsSnapshot(next), false);
});

test('a snapshot that does not reach the gap leaves it open', () => {
  const state = apply(start(snapshot()), L, live(110, 'chat.said', said(9)));
  const next = applySnapshot(state, snapshot({ seq: 105 }));
  assert.equal(next.seq, 105);
  assert.equal(needsSnapshot(next), true);
});

test('a snapshot that was read earlier than the page already is takes nothing back', () => {
  const state = run(start(snapshot()), L, [live(101, 'offer.stock', stock(20, 1)), live(102, 'show.changed', { rev: 8, title: 'New' })]);
  const next = applySnapshot(state, snapshot({ seq: 101 }));
  assert.equal(next.offers.a.stock.left, 1);
  assert.equal(next.show.title, 'New');
  assert.equal(next.seq, 102);
});

test('a snapshot keeps stock that is newer than its own', () => {
  const early = apply(start(snapshot()), L, live(110, 'offer.stock', stock(30, 0)));
  const next = applySnapshot(early, snapshot({ seq: 108, offers: { a: offer('a', { version: 25, left: 3 }) } }));
  assert.equal(next.offers.a.stock.version, 30);
  const rehearsal = applySnapshot(early, snapshot({ seq: 120, offers: { a: offer('a', { version: 2, left: 3, rehearsal: true }) } }));
  assert.equal(rehearsal.offers.a.stock.version, 2, 'a rehearsal counts versions of its own');
});

test('any order of duplicates and older events leaves the same state', () => {
  const events = [
    live(101, 'chat.said', said(5)), live(102, 'offer.stock', stock(11, 4)), live(103, 'show.changed', { rev: 4, on_air: 'b' }),
    live(104, 'chat.removed', { id: 5 }), live(105, 'offer.stock', stock(12, 2)), live(106, 'chat.restored', said(5)), live(107, 'offer.stock', stock(13, 0)),
  ];
  const once = visible(run(start(snapshot()), L, events));
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    const noise = shuffled([...events, ...events], next);
    assert.deepEqual(visible(run(run(start(snapshot()), L, events), L, noise)), once, `after, seed ${seed}`);
    // As they may really come: each on time, with older ones in between.
    const mixed = events.flatMap((event, i) => [event, ...shuffled(events.slice(0, i + 1), next).slice(0, 2)]);
    assert.deepEqual(visible(run(start(snapshot()), L, mixed)), once, `between, seed ${seed}`);
    // And in any order at all: what came early waits for what was missing.
    const jumbled = run(start(snapshot()), L, shuffled(events, next));
    assert.deepEqual(visible(jumbled), once, `jumbled, seed ${seed}`);
    assert.equal(needsSnapshot(jumbled), false);
  }
});

test('a hold counts against the limit until it is given back, however often it is told', () => {
  let state = start(snapshot());
  state = run(state, M, [live(1, 'hold.changed', { hold: hold() }), live(2, 'hold.changed', { hold: hold() })]);
  assert.equal(state.me.units.a, 2);
  assert.equal(state.me.holds.length, 1);
  const bought = apply(state, M, live(3, 'hold.changed', { hold: hold({ state: 'consumed' }) }));
  assert.deepEqual([bought.me.units.a, bought.me.holds.length], [2, 0]);
  const gone = apply(state, M, live(3, 'hold.changed', { hold: hold({ state: 'expired' }) }));
  assert.deepEqual([gone.me.units.a, gone.me.holds.length], [0, 0]);
  assert.equal(apply(gone, M, live(4, 'hold.changed', { hold: hold({ state: 'released' }) })).me.units.a, 0);
});

test('the line: a place, a better place, and one\'s turn', () => {
  let state = start(snapshot());
  state = run(state, M, [live(1, 'wait.changed', { offer_id: 'a', state: 'waiting', quantity: 1, place: 4 }), live(2, 'wait.changed', { offer_id: 'a', state: 'waiting', quantity: 1, place: 3 })]);
  assert.deepEqual(state.me.waits, [{ offer_id: 'a', quantity: 1, place: 3 }]);
  state = apply(state, M, live(3, 'wait.changed', { offer_id: 'a', state: 'served', hold: hold({ source: 'waitlist', quantity: 1 }) }));
  assert.deepEqual(state.me.waits, []);
  assert.deepEqual([state.me.holds[0].source, state.me.units.a], ['waitlist', 1]);
});

test('an order is kept once, in order of its number; one that goes back asks for a snapshot', () => {
  let state = run(start(snapshot()), M, [live(1, 'order.changed', { order: order({ number: 7, id: 'z' }) }), live(2, 'order.changed', { order: order({ number: 5 }) }), live(3, 'order.changed', { order: order({ number: 5, state: 'paid' }) })]);
  assert.deepEqual(state.me.orders.map(({ number, state: at }) => [number, at]), [[5, 'paid'], [7, 'awaiting_payment']]);
  assert.equal(needsSnapshot(state), false);
  state = apply(state, M, live(4, 'order.changed', { order: order({ number: 5, state: 'cancelled' }) }));
  assert.equal(needsSnapshot(state), true);
  assert.equal(needsSnapshot(applySnapshot(state, snapshot({ me: me({ seq: 4 }) }))), false);
});

test('what concerns other shows or nobody changes nothing', () => {
  const stranger = start(snapshot({ me: null }));
  assert.deepEqual(visible(apply(stranger, M, live(1, 'hold.changed', { hold: hold() }))), visible(stranger));
  const state = apply(start(snapshot()), M, live(1, 'hold.changed', { hold: hold({ offer_id: 'elsewhere' }) }));
  assert.deepEqual(state.me.holds, []);
  assert.equal(apply(state, M, live(2, 'muted', { live_id: 'other', muted: true })).me.muted, false);
  assert.equal(apply(state, M, live(2, 'muted', { live_id: 's', muted: true })).me.muted, true);
  assert.equal(apply(state, M, live(2, 'chat.said', { ...said(4), live_id: 'other' })).chat.length, 1);
});

test('an unknown kind of event is counted and otherwise ignored', () => {
  const state = apply(start(snapshot()), L, live(101, 'confetti', { n: 1 }));
  assert.equal(state.seq, 101);
  assert.deepEqual({ ...visible(state), seq: 100 }, visible(start(snapshot())));
});

test('chat is ordered by its ids and keeps the last 200', () => {
  const many = Array.from({ length: 250 }, (_, i) => live(101 + i, 'chat.said', said(2 + i)));
  const state = run(start(snapshot()), L, many);
  assert.equal(state.chat.length, 200);
  assert.equal(state.chat.at(-1).id, 251);
  const swapped = run(start(snapshot()), L, [live(101, 'chat.said', said(9)), live(102, 'chat.said', said(8))]);
  assert.deepEqual(swapped.chat.map(({ id }) => id), [1, 8, 9]);
});

test('an older snapshot does not take the member\'s news back', () => {
  const state = apply(start(snapshot()), M, live(1, 'hold.changed', { hold: hold() }));
  assert.equal(applySnapshot(state, snapshot({ seq: 120, me: me({ seq: 0 }) })).me.holds.length, 1);
  assert.equal(applySnapshot(state, snapshot({ seq: 120, me: me({ seq: 2 }) })).me.holds.length, 0);
  assert.equal(applySnapshot(state, snapshot({ seq: 120, me: null })).me, null, 'signed out elsewhere');
});

test('a browser is signed out when the server no longer knows it, not when another one was', () => {
  const told = apply(start(snapshot()), M, live(1, 'signed_out', { sign_ins: ['another'] }));
  assert.deepEqual([told.signedOut, needsSnapshot(told)], [false, true]);
  assert.equal(applySnapshot(told, snapshot({ me: me({ seq: 1 }) })).signedOut, false, 'its own sign-in was kept');
  const out = applySnapshot(told, snapshot({ seq: 99, me: null }));
  assert.equal(out.signedOut, true);
  assert.equal(applySnapshot(out, snapshot({ seq: 120, me: null })).signedOut, true, 'and stays so');
  assert.equal(applySnapshot(start(snapshot({ me: null })), snapshot({ seq: 120, me: null })).signedOut, false, 'a guest was never in');
});

test('the given state is never changed', () => {
  const freeze = (value) => {
    if (value && typeof value === 'object' && !Object.isFrozen(value)) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const state = freeze(start(snapshot({ me: me({ waits: [{ offer_id: 'b', quantity: 1, place: 1 }] }) })));
  run(state, L, [live(101, 'offer.stock', stock(11, 1)), live(103, 'chat.said', said(2)), live(102, 'show.changed', { rev: 9 })]);
  run(state, M, [live(1, 'hold.changed', { hold: hold() }), live(2, 'wait.changed', { offer_id: 'a', state: 'waiting', quantity: 1, place: 2 }), live(3, 'order.changed', { order: order() })]);
  applySnapshot(state, snapshot({ seq: 200 }));
});

test('counters and delays are values, and staff have a stream of their own', () => {
  const state = start(snapshot(), { seq: 5, run: [], flagged: [], actions: [], figures: {} });
  assert.deepEqual(applyTick(state, { viewers: 9, reactions: 4, bought_last_minute: 2 }).counters, { viewers: 9, reactions: 4, bought_last_minute: 2 });
  assert.equal(applyDelayed(state, { delayed: true }).delayed, true);
  const told = run(state, 'staff:s', [
    live(6, 'run.changed', { run: [{ id: 'r1' }] }), live(7, 'control.done', { action: { id: 'c1', kind: 'pin' } }),
    live(8, 'chat.flagged', said(30)), live(9, 'control.undone', { id: 'c1' }), live(10, 'desk.changed', { blocked_words: ['x'] }), live(11, 'chat.unflagged', { id: 30 }),
  ]);
  assert.deepEqual(told.staff, { seq: 11, run: [{ id: 'r1' }], flagged: [], actions: [], figures: {}, blocked_words: ['x'] });
  assert.equal(told.seq, 100);
  assert.ok(iso(0).endsWith('Z'));
});

test('counters of a state that is over come too late, and fresh ones count though the snapshot is older', () => {
  const staff = { seq: 5, run: [], flagged: [], actions: [], figures: { state: 'rehearsal', viewers: 16 } };
  const over = start(snapshot({ show: { ...snapshot().show, state: 'scheduled' } }), staff);
  assert.equal(applyFigures(over, { state: 'rehearsal', viewers: 17 }), over);
  assert.equal(applyTick(over, { state: 'rehearsal', viewers: 17, reactions: 1, bought_last_minute: 0 }), over);
  assert.equal(applyFigures(over, { state: 'scheduled', viewers: 0 }).staff.figures.viewers, 0);
  const asked = applySnapshot(over, snapshot({ seq: over.seq - 1 }), { ...staff, figures: { state: 'scheduled', viewers: 0 } });
  assert.equal(asked.staff.figures.viewers, 0);
  assert.equal(asked.show.state, 'scheduled');
});

test('a snapshot from before the join is not enough, though nothing seems to be missing', () => {
  // The server says at the join that 103 was told; its snapshot for many was read at 101, and 102 and 103 do not come.
  const old = applySnapshot(start(snapshot()), { ...snapshot(), seq: 101 });
  assert.deepEqual([needsSnapshot(old), isBehind(old, 103)], [false, true]);
  assert.equal(isBehind(applySnapshot(old, { ...snapshot(), seq: 103 }), 103), false);
  assert.equal(isBehind(apply(old, L, live(103, 'offer.stock', stock(11, 30))), 101), true, 'a gap is one as before');
});
