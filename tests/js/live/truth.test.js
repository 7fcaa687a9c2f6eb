import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../served.js';

const { advice, headWords, secondWords, truthOf } = await import('/static/js/video/truth.js');
const idle = { state: 'idle', dropped: 0 };
const stream = (more = {}) => ({ lost: false, by: 'rtmp', kbps: 900, fps: 30, wanted_fps: 30, key_ms: 1000, sound: true, width: 720, height: 1280, codec: 7, ...more });
const desk = (more = {}, health = {}) => ({ adapter: 'embedded', status: 'on', recording: 'on', health: { office: true, stream: stream(more), ...health } });
const bad = (rows) => rows.filter(({ isBad }) => isBad).map(({ name }) => name);

test('A good picture has nothing to complain about', () => {
  assert.deepEqual(headWords(desk(), { state: 'live' }, idle), ['Picture is on', false]);
  assert.deepEqual(bad(truthOf(desk(), { delay: 2.4, sender: idle })), []);
  assert.equal(advice(desk()), '');
});

test('Keyframes too far apart are told with what to set', () => {
  const late = desk({ key_ms: 4000 });
  assert.equal(headWords(late, { state: 'live' }, idle)[1], true);
  assert.deepEqual(bad(truthOf(late, { sender: idle })), ['Keyframe every']);
  assert.match(advice(late), /keyframe interval to 1 s/);
  assert.equal(advice(desk({ key_ms: 1400 })), '');
});

test('What is missing is named: frames, sound, the line, the server, the disk', () => {
  assert.deepEqual(bad(truthOf(desk({ fps: 24 }), { sender: idle })), ['Frames that are missing']);
  assert.deepEqual(bad(truthOf(desk({ sound: false }), { sender: idle })), ['Sound']);
  assert.match(advice(desk({ sound: false })), /microphone/);
  assert.deepEqual(headWords(desk({ lost: true }), { state: 'live' }, idle), ['Picture is cut off', true]);
  assert.deepEqual(headWords(desk({}, { office: false }), { state: 'live' }, idle), ['Media server is away', true]);
  assert.match(advice(desk({}, { low_disk: true })), /disk is nearly full/);
  assert.match(advice(desk({ codec: 12 })), /not H\.264/);
});

test('Without a picture it says so, and before the show that is no fault', () => {
  const none = { ...desk(), health: { office: true } };
  assert.deepEqual(headWords(none, { state: 'scheduled' }, idle), ['No picture yet', null]);
  assert.deepEqual(headWords(none, { state: 'live' }, idle), ['No picture yet', true]);
  assert.deepEqual(headWords({ ...none, adapter: 'off' }, { state: 'live' }, idle), ['Poster instead of video', null]);
});

test('The second picture says how it is: off, on, late, switched off by itself and why', () => {
  const second = (small, health) => secondWords({ adapter: 'embedded', small, health });
  assert.equal(secondWords({ adapter: 'external' }), null);
  assert.deepEqual([second('off').isOn, second('off').isBad], [false, false]);
  assert.match(second('on', {}).text, /begins when/);
  assert.match(second('on', { small: { late: 0.4 } }).text, /It is on/);
  assert.match(second('on', { small: { late: 4.2 } }).text, /4 s behind/);
  assert.match(second('behind').text, /did not keep up/);
  assert.match(second('needless').text, /small already/);
  assert.ok(second('behind').isBad && second('needless').isBad);
});
