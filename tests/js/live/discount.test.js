import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { discountOf, sumOf, toPay } = await import('/static/js/live/discount.js');

test('a share is rounded half up and never takes everything', () => {
  assert.equal(discountOf({ percent_ppm: 155_000 }, 630), 98); // 97.65, as tests/affiliates/test_links.py has it
  assert.equal(discountOf({ percent_ppm: 100_000 }, 5), 1); // 0.5
  assert.equal(discountOf({ percent_ppm: 100_000 }, 4), 0); // 0.4
  assert.equal(discountOf({ percent_ppm: 900_000 }, 1), 0);
  assert.equal(discountOf({ percent_ppm: 500_000 }, 2 ** 53 - 1), 2 ** 52);
});

test('a sum comes off what is larger, and no code takes nothing', () => {
  assert.equal(discountOf({ amount_minor: 500 }, 630), 500);
  assert.equal(discountOf({ amount_minor: 500 }, 500), 0);
  assert.equal(discountOf({ code: 'HELLO', percent_ppm: null, amount_minor: null }, 630), 0);
  assert.equal(discountOf(null, 630), 0);
});

test('what is paid for a hold is its order\'s total once there is one', () => {
  const hold = { id: 'h', price_minor: 210, quantity: 3 };
  const choice = { coupon: { percent_ppm: 100_000 } };
  assert.equal(toPay({ choice, me: { orders: [] } }, hold), 567);
  assert.equal(toPay({ choice, me: { orders: [{ hold_ids: ['h'], total_minor: 532 }] } }, hold), 532);
  assert.equal(sumOf({ choice: {} }, 210, 2), 420);
});
