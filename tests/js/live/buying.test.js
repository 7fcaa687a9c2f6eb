import '../served.js';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { NOW, hold, me, order, snapshot } from './helpers.js';

globalThis.document = { querySelector: () => ({ content: 'token' }), visibilityState: 'visible' };
const { load } = await import('/static/js/i18n.js');
load({ lang: 'en', strings: {}, plurals: {} });
const { createBuying, withActs } = await import('/static/js/live/buying.js');
const { NotAnswered } = await import('/static/js/live/socket.js');
const { phaseOf } = await import('/static/js/live/select.js');
const { applySnapshot, start, withHold, withOrder } = await import('/static/js/live/state.js');
const { createStore } = await import('/static/js/live/store.js');

const ready = { default_address: { id: 'adr' }, cards: [{ id: 'card', last4: '4242', is_default: true }] };
let requests;
let answer;
let went;
let refreshed;

function shop({ own = ready, line = async () => { throw new NotAnswered('none'); } } = {}) {
  requests = [];
  went = [];
  refreshed = 0;
  const emitted = [];
  globalThis.location = { assign: (url) => went.push(url), pathname: '/live/s', search: '', hash: '' };
  globalThis.fetch = async (url, { method, body }) => {
    const sent = body ? JSON.parse(body) : null;
    requests.push([method, url, sent]);
    const [status, said] = await answer(url, sent, method);
    return new Response(JSON.stringify(said), { status });
  };
  const store = createStore(withActs(start(snapshot({ me: me(own) }))), { paint() {}, frame: (run) => run(), changed: () => buying?.follow() });
  let buying = null;
  buying = createBuying({
    store, getLine: () => ({ request: (event, data) => { emitted.push([event, data]); return line(event, data); } }),
    refresh: () => { refreshed += 1; }, said() {},
  });
  const phase = () => phaseOf(store.state, store.state.offers.a, { nowMs: NOW, act: store.state.acts.a, seen: store.state.seen });
  return { buying, store, phase, emitted };
}

const until = async (isSo) => {
  for (let i = 0; i < 200 && !isSo(); i += 1) {
    await new Promise((resolve) => { setImmediate(resolve); });
    mock.timers.tick(500);
  }
  assert.ok(isSo(), 'it never came to that');
};

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());
beforeEach(() => { answer = async (url) => { throw new Error(`unexpected ${url}`); }; });

test('two taps: the claim is won over the socket, and the order made at once with the known address and card', async () => {
  answer = async () => [201, { order: order(), next: { state: 'paying' } }];
  const { buying, phase, emitted, store } = shop({ line: async () => ({ ok: true, hold: hold() }) });
  const going = buying.claim('a', 2, { shownPrice: 210 });
  assert.equal(phase().phase, 'reserving');
  assert.equal((await going).id, 'h1');
  await until(() => phase().phase === 'paying' && store.state.acts.a.step === 'paying');
  const [, claim] = emitted[0];
  assert.deepEqual([claim.offer_id, claim.quantity, claim.live_id], ['a', 2, 's']);
  const [method, url, body] = requests[0];
  assert.deepEqual([method, url, body.hold_id, body.address_id, body.method, body.card_id], ['POST', '/api/orders', 'h1', 'adr', 'card', 'card']);
  assert.equal('price_minor' in claim || 'price_minor' in body, false, 'prices are the server\'s');
  store.update(withHold, hold({ state: 'consumed' }));
  assert.equal(phase().phase, 'paying', 'not paid before it is');
  store.update(withOrder, order({ state: 'paid' }));
  assert.equal(phase().phase, 'paid');
  assert.deepEqual(store.state.acts, {});
});

test('no answer over the socket: the same key goes over HTTP', async () => {
  answer = async () => [200, { ok: true, hold: hold() }];
  const { buying, emitted, phase } = shop({ own: {} });
  await buying.claim('a', 2);
  const [, socketClaim] = emitted[0];
  const [, url, httpClaim] = requests[0];
  assert.equal(url, '/api/live/s/claims');
  assert.equal(httpClaim.key, socketClaim.key);
  assert.equal('live_id' in httpClaim, false);
  assert.equal(phase().phase, 'reserved');
});

test('without an address or card it stays reserved, and nothing is ordered', async () => {
  const { buying, phase } = shop({ own: { cards: ready.cards }, line: async () => ({ ok: true, hold: hold() }) });
  await buying.claim('a', 2);
  assert.equal(phase().phase, 'reserved');
  assert.deepEqual(requests, []);
});

test('a price that moved between eye and thumb is reserved but not paid', async () => {
  const { buying, phase } = shop({ line: async () => ({ ok: true, hold: hold({ price_minor: 250 }) }) });
  await buying.claim('a', 2, { shownPrice: 210 });
  assert.equal(phase().phase, 'reserved');
  assert.match(phase().failure, /2\.50/);
  assert.deepEqual(requests, []);
});

test('sold out: the words stand in the act, and the button is the counter\'s again', async () => {
  const { buying, phase, store } = shop({ line: async () => ({ ok: false, code: 'sold_out', message: 'Sold out.', left: 0 }) });
  assert.equal(await buying.claim('a', 2), null);
  assert.equal(store.state.acts.a.error.message, 'Sold out.');
  assert.equal(phase().phase, 'idle');
  assert.deepEqual(requests, []);
});

test('who is not signed in goes to sign in and comes back to the same offer', async () => {
  const { buying } = shop({ line: async () => ({ ok: false, code: 'sign_in_needed', message: 'Please sign in first.' }) });
  await buying.claim('a', 3);
  assert.equal(decodeURIComponent(went[0]), '/sign-in?next=/live/s#buy=a&n=3');
});

test('two presses make one claim', async () => {
  const { buying, emitted } = shop({ own: {}, line: async () => ({ ok: true, hold: hold() }) });
  await Promise.all([buying.claim('a', 2), buying.claim('a', 2)]);
  assert.equal(emitted.length, 1);
});

test('declined: clear words, the hold lives, and another try pays the same order with a key of its own', async () => {
  answer = async (url) => (url.endsWith('/pay') ? [201, { order: order({ state: 'paid' }), next: { state: 'paid' } }] : [201, { order: order(), next: { state: 'failed', failure: 'declined' } }]);
  const { buying, phase, store } = shop();
  store.update(withHold, hold());
  await buying.pay(hold());
  assert.equal(phase().phase, 'reserved');
  assert.match(phase().failure, /bank said no/);
  await buying.pay(hold());
  assert.equal(requests[1][1], '/api/orders/o1/pay');
  assert.notEqual(requests[1][2].key, requests[0][2].key);
  assert.equal(phase().phase, 'paid');
});

test('news that a running payment failed gives the hold back to its owner', async () => {
  answer = async () => [201, { order: order({ payment: { state: 'pending' } }), next: { state: 'paying' } }];
  const { buying, phase, store } = shop();
  store.update(withHold, hold());
  await buying.pay(hold());
  assert.equal(phase().phase, 'paying');
  store.update(withOrder, order({ payment: { state: 'failed', failure: 'declined' } }));
  assert.equal(phase().phase, 'reserved');
  assert.match(phase().failure, /bank said no/);
});

test('the bank\'s page: the browser goes there', async () => {
  answer = async () => [201, { order: order(), next: { redirect: '/sandbox-bank/x' } }];
  const { buying, store } = shop();
  store.update(withHold, hold());
  await buying.pay(hold(), { address: { id: 'adr' }, method: 'bank_page', card: null });
  assert.deepEqual(went, ['/sandbox-bank/x']);
  assert.equal('card_id' in requests[0][2], false);
});

test('an order that was made although no answer came is taken up, not made twice', async () => {
  answer = async (url, _body, method) => {
    if (method === 'GET') return [200, { order: order({ state: 'paid' }) }];
    return [409, { code: 'already_ordered', message: 'There is an order.', order_id: 'o1' }];
  };
  const { buying, phase, store } = shop();
  store.update(withHold, hold());
  await buying.pay(hold());
  await until(() => phase().phase === 'paid');
  assert.deepEqual(requests.map(([method, url]) => `${method} ${url}`), ['POST /api/orders', 'GET /api/orders/o1']);
});

test('a reservation that ended meanwhile is said in words and asked about', async () => {
  answer = async () => [409, { code: 'hold_over', message: 'Your reservation has ended. Nothing was charged.' }];
  const { buying, phase, store } = shop();
  store.update(withHold, hold());
  await buying.pay(hold());
  assert.match(phase().failure, /has ended/);
  assert.equal(refreshed, 1);
});

test('a reload in the middle takes up what is being paid', async () => {
  answer = async () => [200, { order: order({ payment: { state: 'pending', method: 'card' } }) }];
  const { buying, phase } = shop({ own: { ...ready, holds: [hold()], orders: [order()], units: { a: 2 } } });
  assert.equal(phase().phase, 'reserved');
  await buying.resume();
  assert.equal(phase().phase, 'paying');
});

test('a bank page that was left is not waited for', async () => {
  answer = async () => [200, { order: order({ payment: { state: 'pending', method: 'bank_page' } }) }];
  const { buying, phase } = shop({ own: { ...ready, holds: [hold()], orders: [order()], units: { a: 2 } } });
  await buying.resume();
  assert.equal(phase().phase, 'reserved');
});

test('the line: join with the place shown, leave, let go', async () => {
  answer = async (url, _body, method) => (method === 'POST' && url.endsWith('/waitlist') ? [200, { ok: true, wait: { offer_id: 'a', quantity: 2, place: 4 } }] : [200, { ok: true }]);
  const { buying, phase, store } = shop();
  assert.equal(await buying.join('a', 2), true);
  assert.deepEqual([phase().phase, phase().wait.place], ['waiting', 4]);
  await buying.leave('a');
  assert.equal(phase().phase, 'idle');
  store.update(withHold, hold());
  assert.equal(phase().phase, 'reserved');
  await buying.letGo(hold());
  assert.equal(phase().phase, 'idle');
  assert.equal(store.state.me.units.a, 0);
  assert.deepEqual(requests.map(([method, url]) => `${method} ${url}`), ['POST /api/live/s/waitlist', 'DELETE /api/live/s/waitlist/a', 'POST /api/holds/h1/release']);
});

test('a claim whose answer is lost for good asks for the truth', async () => {
  answer = async () => [503, { code: 'busy', message: 'busy' }];
  const { buying, store } = shop();
  globalThis.fetch = async () => { throw new TypeError('network'); };
  buying.claim('a', 1);
  assert.equal(store.state.acts.a.step, 'reserving');
  store.update(applySnapshot, snapshot({ seq: 200, me: me({ ...ready, seq: 5 }) }));
  await until(() => store.state.acts.a.step === 'refused');
  assert.equal(refreshed, 1);
});
