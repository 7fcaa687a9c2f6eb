// The same streams that tests/live/test_verify_action.py proves for the server, through the browser's reducer.

import '../served.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { random, shuffled } from './helpers.js';

const { apply, applySnapshot, needsSnapshot, start } = await import('/static/js/live/state.js');

const folder = new URL('../../contracts/', import.meta.url);
const streams = readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));

// The server keeps 60 lines; the page keeps more. Counters and the clock come with the tick. An event may carry more of
// an order (its payment, for the ladder) than the snapshot does.
const ORDER = ['id', 'number', 'state', 'fulfilment', 'total_minor', 'currency', 'offer_ids', 'hold_ids', 'quantities'];
const own = (me) => me && { ...me, orders: me.orders.map((order) => Object.fromEntries(ORDER.map((name) => [name, order[name]]))) };
const part = ({ seq, show, film, offers, chat, me }) => ({ seq, show, film, offers, chat: chat.slice(-60), me: own(me) });
const staffPart = (staff) => staff && Object.fromEntries(Object.entries(staff).filter(([name]) => !['figures', 'revenue', 'here', 'last_order'].includes(name)));

const replay = (state, events) => events.reduce((next, { stream, ...event }) => apply(next, stream, event), state);
// A viewer is not told of a rehearsal, so its numbers are missing: the page sees a gap and fetches a snapshot.
const heal = (state, after) => (needsSnapshot(state) ? applySnapshot(state, after) : state);

test('there are streams to replay', () => {
  assert.ok(streams.length >= 20, `only ${streams.length} in tests/contracts`);
});

for (const { name, snapshot, staff, events, after, after_staff: afterStaff } of streams) {
  test(`${name}: snapshot and events make the snapshot of afterwards`, () => {
    const state = heal(replay(start(snapshot, staff), events), after);
    assert.deepEqual(part(state), part(after));
    if (staff) assert.deepEqual(staffPart(state.staff), staffPart(afterStaff));
    assert.equal(needsSnapshot(state), false);
  });

  test(`${name}: repeats, older events and any order change nothing`, () => {
    const next = random(7);
    const expected = part(heal(replay(start(snapshot, staff), events), after));
    for (let round = 0; round < 20; round += 1) {
      const jumbled = replay(start(snapshot, staff), shuffled([...events, ...events], next));
      assert.deepEqual(part(heal(jumbled, after)), expected);
    }
  });
}
