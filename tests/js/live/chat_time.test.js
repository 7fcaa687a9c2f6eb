import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST_WAIT_MS, NOTHING, due, heard, shown } from '../../../static/js/video/chat_time.js';

const lines = [{ id: 1, body: 'before' }, { id: 2, body: 'now' }, { id: 3, body: 'mine' }, { id: 4, body: 'later' }];
const told = () => [{ id: 2, at: 10_000 }, { id: 3, at: 10_500, isMine: true }, { id: 4, at: 11_000 }].reduce(heard, NOTHING);
const ids = (list) => list.map(({ id }) => id);

test('A line waits for the picture; older ones and one\'s own do not', () => {
  assert.deepEqual(ids(shown(lines, told())), [1, 3]);
  assert.deepEqual(ids(shown(lines, due(told(), 9_999, 12_000))), [1, 3]);
  assert.deepEqual(ids(shown(lines, due(told(), 10_000, 12_000))), [1, 2, 3]);
  assert.deepEqual(ids(shown(lines, due(told(), 11_000, 13_000))), [1, 2, 3, 4]);
});

test('A line that was shown stays, even when the picture goes back', () => {
  const after = due(told(), 10_200, 12_000);
  assert.deepEqual(ids(shown(lines, due(after, 8_000, 12_100))), [1, 2, 3]);
});

test('No line is lost: without a picture all are shown, and a picture that stalls holds them back for so long only', () => {
  assert.equal(due(told(), null, 12_000), NOTHING);
  assert.deepEqual(ids(shown(lines, due(told(), 9_000, 10_000 + LONGEST_WAIT_MS - 1))), [1, 3]);
  assert.deepEqual(ids(shown(lines, due(told(), 9_000, 10_000 + LONGEST_WAIT_MS))), [1, 2, 3]);
  assert.equal(due(told(), 9_000, 11_000 + LONGEST_WAIT_MS), NOTHING);
});

test('The order of the lines is theirs, whenever they are shown', () => {
  const late = heard(NOTHING, { id: 1, at: 99_000 });
  assert.deepEqual(ids(shown(lines, late)), [2, 3, 4]);
  assert.deepEqual(ids(shown(lines, due(late, 99_000, 99_500))), [1, 2, 3, 4]);
});

test('Where nothing waits nothing is made anew, so nothing is painted', () => {
  assert.equal(shown(lines, NOTHING), lines);
  const waiting = told();
  assert.equal(due(waiting, 9_000, 12_000), waiting);
  assert.equal(heard(waiting, { id: 2, at: 1 }), waiting);
  assert.equal(heard(NOTHING, { id: 9, at: Number.NaN }), NOTHING);
});
