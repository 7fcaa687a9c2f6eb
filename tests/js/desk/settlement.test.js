import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { apply, begin, isOutdated, joined } = await import('/static/js/desk/settlement_state.js');

const RUN = { run_id: 'r1', state: 'open', chunks: 4, done: 0, failed: 0, parties: 0, items: 0, amount_minor: 0 };
const news = (seq, more) => ({ seq, kind: 'settlement.changed', payload: { ...RUN, ...more } });

test('news of the run are taken, older ones and those of other runs are not', () => {
  let state = apply(begin(RUN), news(2, { state: 'running', done: 2 }));
  assert.equal(state.run.done, 2);
  state = apply(state, news(1, { done: 1 }));
  assert.equal(state.run.done, 2);
  state = apply(state, news(3, { run_id: 'r0', done: 4 }));
  assert.deepEqual([state.run.done, state.seq], [2, 3]);
  state = apply(state, { seq: 4, kind: 'campaign.changed', payload: { state: 'settling' } });
  assert.deepEqual([state.run.done, state.seq], [2, 4]);
});

test('the answer to a join is newer than the page, and events before it are known', () => {
  const state = joined(begin(RUN), { seq: 7, run: { ...RUN, done: 3 } });
  assert.equal(state.run.done, 3);
  assert.equal(apply(state, news(6, { done: 1 })).run.done, 3);
  assert.equal(joined(begin(RUN), { seq: 7, run: null }).run.done, 0);
  assert.equal(joined(begin(RUN), { seq: 7, run: { ...RUN, run_id: 'r2', done: 4 } }).run.done, 0);
});

test('the server draws it anew when it is over or something failed, not for each part', () => {
  const state = begin(RUN);
  assert.equal(isOutdated(apply(state, news(1, { state: 'running', done: 3 }))), false);
  assert.equal(isOutdated(apply(state, news(1, { state: 'running', failed: 1 }))), true);
  assert.equal(isOutdated(apply(state, news(1, { state: 'audited', done: 4 }))), true);
  const blocked = begin({ ...RUN, state: 'blocked', done: 4 });
  assert.equal(isOutdated(blocked), false);
  assert.equal(isOutdated(apply(blocked, news(1, { state: 'audited', done: 4 }))), true);
});
