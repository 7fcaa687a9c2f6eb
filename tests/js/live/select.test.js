import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, hold, iso, me, offer, order, snapshot } from './helpers.js';

const { alsoOnCounter, countdownOf, mayBuyMore, mayTake, onAir, phaseOf, saleOf, stillForSale, unitsOf } = await import('/static/js/live/select.js');
const { failureWords, firstChoice, isComplete } = await import('/static/js/live/buying.js');
const { serverClock } = await import('/static/js/live/clock.js');

const at = (state, more = {}) => phaseOf(state, state.offers.a, { nowMs: NOW, ...more });
const withStock = (stock, own = {}) => snapshot({ offers: { a: offer('a', stock) }, me: me(own) });

test('the counter: open, soon, over and closed follow the server\'s clock', () => {
  assert.equal(saleOf(offer('a'), NOW), 'open');
  assert.equal(saleOf(offer('a', { opens_at: iso(20) }), NOW), 'soon');
  assert.equal(saleOf(offer('a', { closes_at: iso(0) }), NOW), 'over');
  assert.equal(saleOf(offer('a', { mode: 'open', opens_at: null, closes_at: null }), NOW), 'open');
  assert.equal(saleOf(offer('a', { mode: 'closed', closes_at: null }), NOW), 'closed');
});

test('the button of an offer that is not mine', () => {
  assert.equal(at(withStock({})).phase, 'idle');
  assert.equal(at(withStock({ left: 0 })).phase, 'soldout');
  assert.equal(at(withStock({ opens_at: iso(9) })).phase, 'soon');
  assert.equal(at(withStock({ closes_at: iso(-1) })).phase, 'over');
  assert.equal(at(withStock({ mode: 'closed' })).phase, 'closed');
  assert.equal(at(withStock({}, { units: { a: 4 } })).phase, 'limit');
  assert.equal(at(withStock({ left: 0 }, { units: { a: 4 } })).phase, 'limit', 'who has all they may take need not stand in line');
  assert.equal(at(withStock({ left: 0 }, { waits: [{ offer_id: 'a', quantity: 1, place: 4 }] })).phase, 'waiting');
  assert.equal(at(snapshot({ me: null })).phase, 'idle', 'without a member Buy leads to signing in');
});

test('the ladder: reserving, reserved, paying, paid', () => {
  const held = withStock({}, { holds: [hold()], units: { a: 2 } });
  assert.equal(at(withStock({}), { act: { step: 'reserving', quantity: 2 } }).phase, 'reserving');
  assert.equal(at(held).phase, 'reserved');
  assert.equal(at(held, { act: { step: 'ordering' } }).phase, 'paying');
  const waiting = withStock({}, { holds: [hold()], orders: [order()], units: { a: 2 } });
  assert.equal(at(waiting, { act: { step: 'paying', order: order() } }).phase, 'paying');
  assert.equal(at(waiting).phase, 'reserved', 'an order that nobody is paying can be paid');
  const declined = at(waiting, { act: { step: 'failed', error: 'no', order: order() } });
  assert.deepEqual([declined.phase, declined.failure], ['reserved', 'no']);
  const paid = withStock({}, { orders: [order({ state: 'paid' })], units: { a: 2 } });
  assert.equal(at(paid).phase, 'paid');
  assert.equal(at(paid, { seen: new Set(['o1']) }).phase, 'idle');
});

test('nothing is called paid while its order waits, even when the hold is consumed already', () => {
  const between = withStock({}, { orders: [order()], units: { a: 2 } });
  assert.equal(at(between, { act: { step: 'paying', order: order(), quantity: 2 } }).phase, 'paying');
});

test('a reservation that ran out by the clock is no reservation, before any event says so', () => {
  const state = withStock({}, { holds: [hold({ expires_at: iso(-1) })], units: { a: 2 } });
  assert.equal(at(state).phase, 'idle');
});

test('an order that ran out is told once, with its reason', () => {
  const expired = withStock({}, { orders: [order({ state: 'expired', reason: 'late_payment' })] });
  assert.equal(at(expired).phase, 'lapsed');
  assert.equal(at(expired, { seen: new Set(['o1']) }).phase, 'idle');
  assert.equal(at(withStock({}, { orders: [order({ state: 'expired' })] })).phase, 'idle');
});

test('of several orders the newest counts', () => {
  const orders = [order({ id: 'new', number: 9, state: 'paid' }), order({ id: 'old', number: 5, state: 'expired', reason: 'hold_ended' })];
  assert.equal(at(withStock({}, { orders })).order.id, 'new');
});

test('a countdown points at what ends next', () => {
  assert.equal(countdownOf(offer('a'), { phase: 'idle' }), iso(120));
  assert.equal(countdownOf(offer('a', { opens_at: iso(5) }), { phase: 'soon' }), iso(5));
  assert.equal(countdownOf(offer('a'), { phase: 'reserved', hold: hold() }), iso(300));
  assert.equal(countdownOf(offer('a', { mode: 'open', closes_at: null }), { phase: 'idle' }), null);
  assert.equal(countdownOf(offer('a'), { phase: 'soldout' }), null);
});

test('the card shows what is on air, else the first pin, else nothing', () => {
  const offers = { a: offer('a'), b: offer('b', {}, { position: 2 }), c: offer('c', {}, { position: 3 }) };
  const show = (more) => snapshot({ offers, show: { ...snapshot().show, ...more } });
  assert.equal(onAir(show({ on_air: 'b' })).id, 'b');
  assert.equal(onAir(show({ on_air: null, pins: ['gone', 'c'] })).id, 'c');
  assert.equal(onAir(show({ on_air: null, pins: [] })), null);
  assert.deepEqual(alsoOnCounter(show({ on_air: 'b', pins: ['c'] })).map(({ id }) => id), ['c', 'a']);
});

test('units: the reserve for later sales is nobody\'s business yet', () => {
  assert.deepEqual(unitsOf(offer('a', { left: 5, held: 1, sold: 4, reserve: 90 })), { left: 5, held: 1, gone: 4, total: 10 });
  assert.equal(mayTake(withStock({}, { units: { a: 3 } }), offer('a')), 1);
  assert.equal(mayTake(withStock({}, { units: { a: 9 } }), offer('a')), 0);
});

test('who has bought may buy more while there is something to buy and the limit allows it', () => {
  const bought = (units, stock = {}) => withStock(stock, { units: { a: units }, orders: [order({ state: 'paid' })] });
  const more = (state) => mayBuyMore(state, state.offers.a, NOW);
  assert.equal(more(bought(2)), true);
  assert.equal(more(bought(4)), false);
  assert.equal(more(bought(2, { left: 0 })), false);
  assert.equal(more(bought(2, { closes_at: iso(-1) })), false);
});

test('after the show only what is open is still for sale', () => {
  const offers = { a: offer('a', { mode: 'open' }), b: offer('b', { mode: 'closed' }), c: offer('c', { closes_at: iso(-5) }) };
  assert.deepEqual(stillForSale(snapshot({ offers }), NOW).map(({ id }) => id), ['a']);
});

test('one tap more is enough only when address and means are known', () => {
  const card = { id: 'c', last4: '4242', is_default: false };
  const best = { id: 'd', last4: '0002', is_default: true };
  assert.deepEqual(firstChoice(me({ cards: [card, best], default_address: { id: 'x' } })), { address: { id: 'x' }, method: 'card', card: best });
  assert.equal(isComplete(firstChoice(me({ cards: [card] }))), false);
  assert.equal(isComplete(firstChoice(me({ default_address: { id: 'x' } }))), false, 'leaving for the bank\'s page is a choice');
  assert.equal(isComplete({ address: { id: 'x' }, method: 'bank_page', card: null }), true);
  assert.equal(isComplete(firstChoice(null)), false);
  assert.notEqual(failureWords('abandoned'), failureWords('declined'));
});

test('the clock trusts the quickest answer', () => {
  let now = 1_000_000;
  const clock = serverClock(() => now);
  assert.equal(clock.now(), 1_000_000);
  clock.sample(1_061_000, 999_000, 1_001_000); // 2 s there and back
  assert.equal(clock.skew(), 61_000);
  clock.sample(1_060_010, 1_000_000, 1_000_020);
  assert.equal(clock.skew(), 60_000);
  clock.sample(1_099_000, 1_000_000, 1_009_000);
  assert.equal(clock.skew(), 60_000);
  clock.sample(Number.NaN, 0, 0);
  assert.equal(clock.skew(), 60_000);
  now += 500;
  assert.equal(clock.now(), 1_060_500);
});
