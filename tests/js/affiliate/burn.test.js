import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { apply, begin, burn, line, replace } = await import('/static/js/affiliate/burn.js');

const snapshot = { campaign_id: 'c', seq: 4, currency: 'GBP', amount_minor: 1000, spent_minor: 250, points: [[100, 100], [160, 250]] };
const moved = (seq, spent, amount = 1000) => ({ seq, kind: 'budget.moved', payload: { campaign_id: 'c', currency: 'GBP', amount_minor: amount, spent_minor: spent, at: '1970-01-01T00:04:00Z' } });

test('an event moves the budget and leaves a point; an old or another one changes nothing', () => {
  const state = begin(snapshot);
  const next = apply(state, moved(5, 400));
  assert.deepEqual([next.seq, next.spent_minor, next.points.at(-1)], [5, 400, [240, 400]]);
  assert.equal(apply(next, moved(5, 900)), next);
  assert.equal(apply(next, { ...moved(6, 900), kind: 'other' }), next);
  assert.equal(state.spent_minor, 250);
});

test('a gap does no harm, as events carry values', () => {
  assert.equal(apply(begin(snapshot), moved(9, 700)).spent_minor, 700);
});

test('a raised budget leaves the line as it was', () => {
  const next = apply(begin(snapshot), moved(5, 250, 2000));
  assert.deepEqual([next.amount_minor, next.points.length], [2000, 2]);
});

test('an older snapshot does not take the place of newer news', () => {
  const state = apply(begin(snapshot), moved(5, 400));
  assert.equal(replace(state, snapshot), state);
  assert.equal(replace(state, { ...snapshot, seq: 7, spent_minor: 500 }).spent_minor, 500);
});

test('what is left, and how much is used', () => {
  assert.deepEqual(burn(snapshot), { left: 750, share: 0.25 });
  assert.deepEqual(burn({ ...snapshot, amount_minor: 0, spent_minor: 0 }), { left: 0, share: 1 });
  assert.equal(burn({ ...snapshot, amount_minor: null }), null);
});

test('the line falls with a budget and rises without one', () => {
  assert.deepEqual(line(snapshot), [[0, 1], [0, 0.9], [1, 0.75]]);
  assert.deepEqual(line({ ...snapshot, amount_minor: null }), [[0, 0], [0, 0.4], [1, 1]]);
  assert.deepEqual(line({ ...snapshot, points: [] }), []);
});
