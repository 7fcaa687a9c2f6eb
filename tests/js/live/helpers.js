// A small show for the tests of the reducer, the ladder and the line.

export const NOW = Date.parse('2026-11-26T20:24:00Z');
export const iso = (seconds) => new Date(NOW + seconds * 1000).toISOString();

export const offer = (id, stock = {}, more = {}) => ({
  id, title: `Offer ${id}`, sku: id, picture: `/tiles/${id}.svg`, promise: '', compare_at_minor: 295, limit: 4, hold_seconds: 300,
  lowest_30d_minor: 255, position: 1, after_sale: 'full_price', full_price_minor: 295, ...more,
  stock: { version: 10, mode: 'flash', left: 5, held: 1, sold: 4, reserve: 0, waiting: 0, price_minor: 210, opens_at: iso(-60), closes_at: iso(120), ...stock },
});

export const hold = (more = {}) => ({
  id: 'h1', offer_id: 'a', quantity: 2, price_minor: 210, currency: 'GBP', state: 'held', source: 'claim', expires_at: iso(300), created_at: iso(0), ...more,
});

export const order = (more = {}) => ({
  id: 'o1', number: 20001, state: 'awaiting_payment', fulfilment: 'none', total_minor: 420, currency: 'GBP', offer_ids: ['a'], hold_ids: ['h1'], quantities: [2], ...more,
});

export const me = (more = {}) => ({ id: 'm', name: 'Mei', by: 'mm', seq: 0, holds: [], waits: [], units: {}, orders: [], muted: false, default_address: null, cards: [], ...more });

export const snapshot = (more = {}) => ({
  seq: 100, now: iso(0),
  show: { id: 's', rev: 3, title: 'Show', state: 'live', pins: [], on_air: 'a', item: null, next: null, notice: null, slow_seconds: 2, currency: 'GBP', merchant: { id: 'x', name: 'X' } },
  offers: { a: offer('a'), b: offer('b', { mode: 'closed', closes_at: null }, { position: 2 }) },
  chat: [{ id: 1, name: 'Ann', role: null, body: 'one', by: 'aa' }], counters: { viewers: 3, reactions: 0 }, me: me(), ...more,
});

export const live = (seq, kind, payload) => ({ seq, kind, payload, at: iso(seq) });

/** A small repeatable generator (mulberry32), so that a failing order can be seen again. */
export function random(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let x = Math.imul(a ^ (a >>> 15), 1 | a);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled(list, next) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(next() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}
