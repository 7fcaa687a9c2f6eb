import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { isOver, runAt } = await import('/static/js/control/select.js');

const at = (minute) => new Date(Date.UTC(2026, 10, 22, 19, minute)).toISOString();
const item = (minutes, began = null, ended = null) => ({ minutes, started_at: began, ended_at: ended });
const stateOf = (state, run) => ({ show: { state, started_at: at(0) }, staff: { run } });

test('where the run is: an item on air, and how far it is from the plan', () => {
  const run = [item(10, at(0), at(8)), item(10, at(8)), item(5)];
  const now = Date.parse(at(10));
  assert.deepEqual(runAt(stateOf('live', run), now), { at: 1, count: 3, aheadMs: 2 * 60_000, endsMs: Date.parse(at(23)) });
  assert.deepEqual(runAt(stateOf('scheduled', [item(10)]), now), { at: -1, count: 1, aheadMs: null, endsMs: null });
});

test('after the show all that was shown is behind it, and nothing is early or late', () => {
  const run = [item(10, at(0), at(8)), item(10, at(8), at(20)), item(5)];
  const over = stateOf('ended', run);
  assert.deepEqual(runAt(over, Date.parse(at(50))), { at: 1, count: 3, aheadMs: null, endsMs: null });
  assert.deepEqual([isOver(over), isOver(stateOf('cancelled', [])), isOver(stateOf('paused', []))], [true, true, false]);
});
