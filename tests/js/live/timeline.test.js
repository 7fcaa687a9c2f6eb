import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caughtUp, heard, inTime, nextDue, shown, start } from '../../../static/js/video/timeline.js';

const show = (rev, more = {}) => ({ rev, state: 'live', pins: [], on_air: null, item: null, item_position: 0, next: null, notice: null, ...more });
const told = () => heard(heard(start(show(1)), show(2, { on_air: 'a' }), 10_000), show(3, { on_air: 'b', pins: ['b'] }), 12_000);

test('A card waits until the picture has come to the moment at which it was put on air', () => {
  assert.equal(shown(told(), 9_990, 12_500).rev, 1);
  assert.equal(shown(told(), 10_000, 12_500).rev, 2);
  assert.equal(shown(told(), 12_001, 14_500).rev, 3);
  const entries = told();
  assert.equal(nextDue(entries, shown(entries, 10_500, 12_500)), 12_000);
});

test('Without a picture, or with one that has stopped, the newest is shown', () => {
  assert.equal(shown(told(), null, 12_500).rev, 3);
  assert.equal(shown(told(), 1_000, 40_000).rev, 3);
});

test('What can be bought is never kept back: nobody gains by a faster path', () => {
  assert.equal(shown(told(), 9_000, 12_500, (id) => id === 'a').rev, 2);
  assert.equal(shown(told(), 9_000, 12_500, () => true).rev, 3);
});

test('What is known already changes nothing, and a snapshot catches up at once', () => {
  const entries = told();
  assert.equal(heard(entries, show(3), 99_000), entries);
  const later = caughtUp(entries, show(7, { on_air: 'c' }));
  assert.equal(later.at(-1).rev, 7);
  assert.equal(shown(later, 20_000, 22_000).part.on_air, 'c');
});

test('Only what is in the picture is held back; the state of the show is the true one', () => {
  const state = { show: show(3, { state: 'paused', on_air: 'b' }), seq: 9 };
  const seen = inTime(state, told()[0]);
  assert.equal(seen.show.on_air, null);
  assert.equal(seen.show.state, 'paused');
  assert.equal(inTime(state, told()[2]), state);
});
