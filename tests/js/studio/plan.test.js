// The plan of a show: lines that move, products that name them, times that follow.

import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const plan = await import('/static/js/studio/plan_state.js');
const { localText, toMoment } = await import('/static/js/studio/when.js');
const { line, roundUp } = await import('/static/js/studio/report_state.js');

const OFFERS = [{ id: 'a', title: 'Heart' }, { id: 'b', title: 'Bag' }];
const item = (id, more = {}) => ({ id, offer_id: null, title: id, minutes: 5, points: '', started_at: null, ended_at: null, ...more });
const begin = (...run) => plan.start({ title: 'Tea', description: '', starts_at: '2026-11-27T20:00:00Z', host_id: 'h', assistants: [], run });
const titles = (state) => state.items.map(({ title }) => title);

test('a new line takes the first product that is not in the run yet', () => {
  let state = plan.addLine(begin(item('Heart', { offer_id: 'a' })), OFFERS);
  assert.equal(state.items[1].offer_id, 'b');
  state = plan.addLine(state, OFFERS);
  assert.deepEqual([state.items[2].offer_id, state.items[2].title], [null, '']);
  assert.equal(new Set(state.items.map(({ key }) => key)).size, 3);
});

test('a product names its line unless the person wrote a title', () => {
  let state = begin(item('1', { title: '' }), item('2', { title: 'Our favourite' }));
  state = plan.chooseOffer(state, '1', 'a', OFFERS);
  state = plan.chooseOffer(state, '2', 'a', OFFERS);
  assert.deepEqual(titles(state), ['Heart', 'Our favourite']);
  assert.equal(plan.chooseOffer(state, '1', 'b', OFFERS).items[0].title, 'Bag');
  assert.deepEqual(plan.chooseOffer(state, '1', '', OFFERS).items[0].offer_id, null);
});

test('lines move within the run and never past its ends', () => {
  const state = begin(item('1'), item('2'), item('3'));
  assert.deepEqual(titles(plan.moveLine(state, '1', 1)), ['2', '1', '3']);
  assert.deepEqual(titles(plan.moveLine(state, '1', -1)), ['1', '2', '3']);
  assert.deepEqual(titles(plan.moveLine(state, '3', 5)), ['1', '2', '3']);
  assert.deepEqual(titles(plan.reorder(state, ['3', '1', '2'])), ['3', '1', '2']);
});

test('what was on air stays where it was', () => {
  const state = begin(item('1', { started_at: 'x', ended_at: 'y' }), item('2', { started_at: 'x' }), item('3'), item('4'));
  assert.deepEqual(titles(plan.moveLine(state, '4', -3)), ['1', '2', '4', '3']);
  assert.deepEqual(titles(plan.reorder(state, ['4', '3', '2', '1'])), ['1', '2', '4', '3']);
});

test('a removed line comes back to its place as a new one', () => {
  const state = begin(item('1'), item('2'), item('3'));
  const without = plan.removeLine(state, '2');
  assert.deepEqual(titles(without), ['1', '3']);
  const again = plan.restoreLine(without, state.items[1], 1);
  assert.deepEqual(titles(again), ['1', '2', '3']);
  assert.equal(again.items[1].id, null);
});

test('each line begins when those before it are over', () => {
  const state = begin(item('1', { minutes: 3 }), item('2', { minutes: 10 }), item('3', { minutes: 0 }));
  const at = plan.begins(state);
  assert.deepEqual(Object.values(at).map((ms) => new Date(ms).toISOString().slice(11, 16)), ['20:00', '20:03', '20:13']);
  assert.equal(plan.minutesOf(state), 13);
});

test('what is sent has no keys of the page and new lines get their ids from the answer', () => {
  const state = plan.addLine(begin(item('1')), OFFERS);
  assert.deepEqual(Object.keys(plan.body(state).items[1]), ['id', 'offer_id', 'title', 'minutes', 'points']);
  const keys = state.items.map(({ key }) => key);
  const meanwhile = plan.addLine(plan.removeLine(state, keys[0]), OFFERS);
  const saved = plan.saved(meanwhile, keys, [{ id: '1' }, { id: 'fresh' }]);
  assert.deepEqual(saved.items.map(({ id }) => id), ['fresh', null]);
});

test('a moment goes into the field and comes back the same', () => {
  for (const text of ['2026-11-27T20:00:00.000Z', '2026-03-29T01:30:00.000Z', '2026-12-31T23:59:00.000Z']) {
    assert.equal(toMoment(localText(text)), text);
  }
  assert.equal(toMoment(''), null);
  assert.equal(toMoment('soon'), null);
});

test('axes end with a round number and lines stay in the picture', () => {
  assert.deepEqual([0, 1, 3, 7, 42, 101].map(roundUp), [1, 1, 5, 10, 50, 200]);
  const { points, base, top } = line([{ minute: '2026-01-01T20:00:00Z', viewers: 0 }, { minute: '2026-01-01T20:04:00Z', viewers: 50 }], 50, 366, 168);
  assert.deepEqual(points, [[34, base], [366, top]]);
});
