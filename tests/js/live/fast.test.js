import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../served.js';

const { FastChoice } = await import('/static/js/video/fast.js');

const ON = { flv: 'ws://x', status: 'on' };

const can = ({ flv, rtc }) => Boolean(flv || rtc);

function choice(more = { can }) {
  const kept = new Map();
  const clock = { now: 0 };
  const storage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
  return { clock, storage, fast: new FastChoice({ storage, ...more, now: () => clock.now }) };
}

test('The usual picture plays until a viewer chooses the fast one, and the browser remembers', () => {
  const { fast, storage } = choice();
  assert.equal(fast.may(ON), false);
  fast.isWanted = true;
  assert.equal(fast.may(ON), true);
  assert.equal(new FastChoice({ storage, can }).isWanted, true);
  fast.isWanted = false;
  assert.equal(fast.may(ON), false);
});

test('Without a door, a picture, a browser that can, in a break or with nobody looking it is not tried', () => {
  const { fast } = choice();
  fast.isWanted = true;
  assert.equal(fast.may({ flv: '', status: 'on' }), false);
  assert.equal(fast.may({ flv: 'ws://x', status: 'lost' }), false);
  assert.equal(fast.may({ flv: 'ws://x', status: 'lost' }, true), true, 'what plays waits for its host');
  fast.isHeld = true;
  assert.equal(fast.may(ON, true), false);
  fast.isHeld = false;
  fast.isAway = true;
  assert.equal(fast.may(ON, true), false);
  const old = choice({ can: () => false }).fast;
  old.isWanted = true;
  assert.equal(old.may(ON), false);
});

test('It is tried twice, then rests a minute, then five', () => {
  const { fast, clock } = choice();
  fast.isWanted = true;
  fast.failed();
  assert.equal(fast.may(ON), true);
  fast.failed();
  assert.equal(fast.may(ON), false);
  clock.now = 60_000;
  assert.equal(fast.may(ON), true);
  fast.failed(true);
  clock.now += 60_000;
  assert.equal(fast.may(ON), false);
  clock.now += 240_000;
  assert.equal(fast.may(ON), true);
});

test('A film that has worked forgives one break; choosing again tries at once', () => {
  const { fast } = choice();
  fast.isWanted = true;
  fast.failed();
  fast.worked(9999);
  fast.worked(10_000);
  fast.failed();
  assert.equal(fast.may(ON), true);
  fast.failed();
  assert.equal(fast.may(ON), false);
  fast.isWanted = true;
  assert.equal(fast.may(ON), true);
});
