import './served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { load } = await import('/static/js/i18n.js');
load({ lang: 'en', strings: {}, plurals: {} });
const { clamp } = await import('/static/js/ui/stepper.js');
const { face, serverNow, setSkew } = await import('/static/js/ui/countdown.js');
const { shares } = await import('/static/js/ui/stockbar.js');
const { size } = await import('/static/js/ui/drop.js');
const { isWord } = await import('/static/js/ui/dialog.js');
const { follow } = await import('/static/js/ui/progress.js');

test('a quantity stays a whole number within its bounds', () => {
  assert.equal(clamp('3', 1, 4), 3);
  assert.equal(clamp('9', 1, 4), 4);
  assert.equal(clamp('-1', 1, 4), 1);
  assert.equal(clamp('1.9', 1, 4), 1);
  assert.equal(clamp('many', 1, 4), 1);
  assert.equal(clamp('', 2, 4), 2);
  assert.equal(clamp('1e999', 1, 4), 1);
});

test('the last seconds are the last thirty, and over is over', () => {
  assert.deepEqual(face(60_000, 0), { text: '01:00', last: false, over: false });
  assert.deepEqual(face(30_000, 0), { text: '00:30', last: true, over: false });
  assert.deepEqual(face(30_001, 0).last, false);
  assert.deepEqual(face(5000, 5000), { text: '00:00', last: false, over: true });
  assert.equal(face(100_000, 0, 120).last, true);
});

test('countdowns run on the server\'s clock', () => {
  setSkew(60_000);
  assert.ok(Math.abs(serverNow() - Date.now() - 60_000) < 50);
  setSkew(0);
});

test('the parts of a stock bar add up, and few left is under a fifth', () => {
  const part = shares({ left: 112, held: 37, gone: 251 });
  assert.equal(part.left + part.held + part.gone, 100);
  assert.equal(part.low, false);
  assert.equal(shares({ left: 19, held: 0, gone: 81 }).low, true);
  assert.equal(shares({ left: 20, held: 0, gone: 80 }).low, false);
  assert.equal(shares({ left: 0, held: 4, gone: 96 }).low, false);
  assert.deepEqual(shares({ left: 0, held: 0, gone: 0 }), { left: 0, held: 0, gone: 0, low: false });
});

test('a restock while units are held never draws past the end', () => {
  assert.equal(shares({ left: 120, held: 0, gone: 0, total: 100 }).left, 100);
});

test('file sizes are said in the unit people use', () => {
  assert.deepEqual([0, 1, 999, 5300, 5_300_000].map(size), ['0 B', '1 B', '999 B', '5.3 kB', '5.3 MB']);
});

test('the word to type may be in any case, with spaces around, but must be whole', () => {
  assert.equal(isWord(' end ', 'END'), true);
  assert.equal(isWord('EN', 'END'), false);
  assert.equal(isWord('结束', '结束'), true);
});

test('following a job paints each state, waits longer each time and stops at the end', async () => {
  const states = [{ done: 1 }, { done: 5 }, { done: 9, over: true }];
  const painted = [];
  const pauses = [];
  let asked = 0;
  await new Promise((resolve) => {
    follow('/job', {
      fetcher: async () => {
        asked += 1;
        if (asked === 2) throw new TypeError('network');
        return { ok: true, json: async () => states.shift() };
      },
      wait: (next, ms) => { pauses.push(ms); queueMicrotask(next); },
      paint: (state) => painted.push(state.done),
      isOver: (state) => { if (state.over) setImmediate(resolve); return Boolean(state.over); },
    });
  });
  assert.deepEqual(painted, [1, 5, 9]);
  assert.equal(asked, 4);
  assert.deepEqual(pauses, [...pauses].sort((a, b) => a - b));
  assert.equal(new Set(pauses).size, 3);
});

test('a job that nobody follows any more paints nothing', async () => {
  const painted = [];
  const stop = follow('/job', { fetcher: async () => ({ ok: true, json: async () => ({}) }), paint: (s) => painted.push(s), isOver: () => true });
  stop();
  await new Promise(setImmediate);
  assert.deepEqual(painted, []);
});
