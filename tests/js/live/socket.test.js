import '../served.js';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const { askAgain, Line, NotAnswered, pauseMs, refresher, spreadMs, throughEitherDoor } = await import('/static/js/live/socket.js');
const { serverClock } = await import('/static/js/live/clock.js');

const settle = async () => { for (let i = 0; i < 12; i += 1) await null; };

/** Time, network and page visibility in one's own hand. */
function world() {
  let now = 0;
  let timers = [];
  const listeners = {};
  const env = {
    performance: { now: () => now },
    Date: { now: () => now },
    navigator: { onLine: true },
    document: { visibilityState: 'visible', addEventListener() {}, removeEventListener() {} },
    addEventListener: (name, fn) => { listeners[name] = fn; },
    removeEventListener: (name) => { delete listeners[name]; },
    setTimeout: (fn, ms) => timers.push({ fn, at: now + ms }),
    setInterval: (fn, every) => timers.push({ fn, at: now + every, every }),
    clearInterval: () => { timers = []; },
  };
  return {
    env,
    fire: (name) => listeners[name]?.(),
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        timers.sort((a, b) => a.at - b.at);
        const next = timers[0];
        if (!next || next.at > end) break;
        now = next.at;
        if (next.every) next.at += next.every;
        else timers.shift();
        next.fn();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

/** A socket as socket.io-client's looks to us; `answers` says what comes back to an event. */
function fakeIo(answers) {
  const socket = {
    connected: false, active: false, id: null, handlers: {}, sent: [], connects: 0,
    on(name, fn) { this.handlers[name] = fn; },
    connect() {
      this.connects += 1;
      this.active = true;
    },
    fail({ forGood = false } = {}) {
      this.active = !forGood;
      this.handlers.connect_error(new Error('no'));
    },
    up() {
      this.connected = true;
      this.id = `sid${this.connects}`;
      this.handlers.connect();
    },
    down(reason = 'transport close') {
      if (!this.connected) return;
      this.connected = false;
      this.handlers.disconnect(reason);
    },
    disconnect() { this.down('io client disconnect'); },
    timeout: (ms) => ({ emitWithAck: (event, data) => { socket.sent.push([event, data, ms]); return answers(event, data); } }),
  };
  return { io: () => socket, socket };
}

let told;
let w;
beforeEach(() => { told = []; w = world(); });

function openLine(answers = async (event) => (event === 'join' ? { ok: true, seq: 7 } : { ok: true })) {
  const { io, socket } = fakeIo(answers);
  const line = new Line({
    io, clock: serverClock(() => 0), join: { event: 'join', data: { live_id: 's' } }, env: w.env,
    on: {
      frame: (frame) => told.push(['frame', frame]), tick: (tick) => told.push(['tick', tick]),
      joined: (answer, again) => told.push(['joined', answer.seq, again]), status: (status) => told.push(['status', status]),
      refused: (answer) => told.push(['refused', answer.code]),
    },
  }).open();
  return { line, socket };
}

test('a line joins when it is up, and says so', async () => {
  const { line, socket } = openLine();
  assert.equal(line.status, 'connecting');
  socket.up();
  await settle();
  assert.equal(line.status, 'online');
  assert.deepEqual(told, [['joined', 7, false], ['status', 'online']]);
});

test('cut off is reconnecting first and offline after 10 s; coming back joins again', async () => {
  const { line, socket } = openLine();
  socket.up();
  await settle();
  socket.down();
  assert.equal(line.status, 'reconnecting');
  await w.pass(9000);
  assert.equal(line.status, 'reconnecting');
  await w.pass(2500);
  assert.equal(line.status, 'offline');
  socket.up();
  await settle();
  assert.equal(line.status, 'online');
  assert.deepEqual(told.filter(([what]) => what === 'joined'), [['joined', 7, false], ['joined', 7, true]]);
});

test('no network is offline at once, and back is tried at once', async () => {
  const { line, socket } = openLine();
  socket.up();
  await settle();
  w.env.navigator.onLine = false;
  w.fire('offline');
  assert.equal(line.status, 'offline');
  const before = socket.connects;
  w.env.navigator.onLine = true;
  w.fire('online');
  assert.equal(socket.connects, before + 1);
  socket.up();
  await settle();
  assert.equal(line.status, 'online');
});

test('a join without an answer is tried later and more patiently each time, so that a crowd lets a busy server be', async () => {
  const { socket } = openLine(async () => { throw new Error('timeout'); });
  const before = socket.connects;
  socket.up();
  await settle();
  assert.equal(socket.connects, before); // not at once
  await w.pass(1100);
  assert.equal(socket.connects, before + 1);
  socket.up();
  await settle();
  await w.pass(2100);
  assert.equal(socket.connects, before + 2);
  assert.deepEqual(socket.sent.filter(([event]) => event === 'join').map(([, , ms]) => ms), [3000, 6000]);
  assert.deepEqual([1, 2, 3, 4, 9].map((tries) => pauseMs(tries, () => 1)), [1000, 2000, 4000, 8000, 8000]);
});

test('a line that is open but silent for 10 s is opened anew', async () => {
  const { line, socket } = openLine(async (event) => {
    if (event === 'join') return { ok: true, seq: 7 };
    throw new Error('timeout');
  });
  socket.up();
  await settle();
  await w.pass(8000);
  socket.handlers.tick({ viewers: 1 });
  await w.pass(8000);
  assert.equal(line.status, 'online', 'a tick is a sign of life');
  const before = socket.connects;
  await w.pass(4000);
  assert.equal(socket.connects, before + 1);
  assert.equal(line.status, 'reconnecting');
});

test('nothing is kept for later: without a line a request fails at once and is never sent', async () => {
  const { line, socket } = openLine();
  await assert.rejects(line.request('claim', { key: 'k' }), NotAnswered);
  socket.up();
  await settle();
  socket.down();
  await assert.rejects(line.request('claim', { key: 'k' }), NotAnswered);
  socket.up();
  await settle();
  assert.deepEqual(socket.sent.filter(([event]) => event === 'claim'), []);
});

test('a request waits 3 s for its answer', async () => {
  const { line, socket } = openLine();
  socket.up();
  await settle();
  assert.deepEqual(await line.request('claim', { key: 'k' }), { ok: true });
  assert.deepEqual(socket.sent.at(-1), ['claim', { key: 'k' }, 3000]);
});

test('who is refused is told why; who comes in a rush tries again', async () => {
  let busy = true;
  const { socket } = openLine(async (event) => {
    if (event !== 'join') return { ok: true };
    return busy ? { ok: false, code: 'too_many', retry_ms: 1000 } : { ok: false, code: 'banned' };
  });
  socket.up();
  await settle();
  assert.deepEqual(told, []);
  busy = false;
  await w.pass(1500);
  assert.deepEqual(told.filter(([what]) => what === 'refused'), [['refused', 'banned']]);
});

test('after the server closed it the line comes back by itself', async () => {
  const { socket } = openLine();
  socket.up();
  await settle();
  const before = socket.connects;
  socket.down('io server disconnect');
  await w.pass(3000);
  assert.equal(socket.connects, before + 1);
});

test('who was turned away at the door knocks again; socket.io itself would not', async () => {
  const { line, socket } = openLine();
  const before = socket.connects;
  socket.fail();
  await w.pass(3000);
  assert.equal(socket.connects, before, 'socket.io tries again by itself');
  socket.fail({ forGood: true });
  await w.pass(3000);
  assert.equal(socket.connects, before + 1);
  socket.up();
  await settle();
  assert.equal(line.status, 'online');
});

test('a line that waits 15 s for what never comes is opened anew, again and again; one that tries is left alone', async () => {
  const { line, socket } = openLine();
  const before = socket.connects;
  await w.pass(14_000);
  socket.fail(); // a sign that it is being tried
  await w.pass(14_000);
  assert.equal(socket.connects, before);
  await w.pass(3000);
  assert.equal(socket.connects, before + 1, 'connected, but the server never greeted');
  await w.pass(16_000);
  assert.equal(socket.connects, before + 2);
  socket.up();
  await settle();
  assert.equal(line.status, 'online');
});

test('a join that broke on the server is asked for again', async () => {
  let broken = true;
  const { line, socket } = openLine(async () => (broken ? { ok: false, code: 'internal' } : { ok: true, seq: 7 }));
  socket.up();
  await settle();
  broken = false;
  await w.pass(2500);
  assert.equal(line.status, 'online');
  assert.deepEqual(told.filter(([what]) => what === 'refused'), []);
});

test('a crowd asks for snapshots over 2.5 s, a few at once', () => {
  assert.equal(spreadMs(10, () => 0.99), 0);
  assert.ok(spreadMs(1000, () => 0.5) < 500);
  assert.equal(spreadMs(1_000_000, () => 1), 2500);
});

test('snapshots are asked for one at a time, and once more for who came meanwhile', async () => {
  let running = 0;
  let most = 0;
  let loads = 0;
  const refresh = refresher({
    load: async () => {
      running += 1;
      most = Math.max(most, running);
      await settle();
      running -= 1;
      loads += 1;
    }, isWanted: () => false, env: w.env,
  });
  const first = refresh({ now: true });
  await null;
  await null;
  assert.equal(running, 1);
  const all = [first, refresh(), refresh()];
  await settle();
  await w.pass(2000);
  await Promise.all(all);
  assert.deepEqual([loads, most], [2, 1]);
});

test('a snapshot that fails is asked for again, slower and slower', async () => {
  const times = [];
  let fails = 3;
  const refresh = refresher({
    load: async () => {
      times.push(w.env.performance.now());
      fails -= 1;
      if (fails >= 0) throw new Error('no');
    }, isWanted: () => fails >= 0, env: w.env,
  });
  const done = refresh({ now: true });
  await settle();
  await w.pass(15_000);
  await done;
  assert.equal(times.length, 4);
  assert.ok(times[3] - times[2] > 1000, String(times));
});

const door = (line, post) => throughEitherDoor({ line, event: 'claim', data: { key: 'k' }, post, refuse: (answer) => new Error(answer.code) });

test('a claim goes through the socket when it answers', async () => {
  const answer = await door({ request: async () => ({ ok: true, hold: 1 }) }, () => assert.fail('not needed'));
  assert.equal(answer.hold, 1);
});

test('no answer, or a busy one, goes on over HTTP; a clear no does not', async () => {
  let posts = 0;
  const post = async () => { posts += 1; return { ok: true, hold: 2 }; };
  assert.equal((await door({ request: async () => { throw new NotAnswered('timeout'); } }, post)).hold, 2);
  assert.equal((await door({ request: async () => ({ ok: false, code: 'busy' }) }, post)).hold, 2);
  await assert.rejects(door({ request: async () => ({ ok: false, code: 'sold_out' }) }, post), /sold_out/);
  assert.equal(posts, 2);
  await assert.rejects(door({ request: async () => { throw new TypeError('a bug'); } }, post), TypeError);
});

test('a write without a second door is asked for once more under its key', async () => {
  const asked = async (...answers) => {
    const sent = [];
    const line = { request: async (event, data) => {
      sent.push([event, data.key]);
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return next;
    } };
    const pauses = [];
    const env = { setTimeout: (fn, ms) => { pauses.push(ms); fn(); } };
    const answer = await askAgain(() => line, 'chat', { key: 'k' }, env);
    assert.ok(sent.every(([event, key]) => event === 'chat' && key === 'k'));
    return { answer, times: sent.length, pauses };
  };
  const ok = { ok: true };
  const busy = { ok: false, code: 'busy', retry_ms: 1200 };
  const muted = { ok: false, code: 'muted' };
  const lost = () => new NotAnswered('cut off');
  assert.deepEqual(await asked(ok), { answer: ok, times: 1, pauses: [] });
  assert.deepEqual(await asked(muted), { answer: muted, times: 1, pauses: [] });
  assert.deepEqual(await asked(busy, ok), { answer: ok, times: 2, pauses: [1200] });
  assert.deepEqual(await asked(lost(), ok), { answer: ok, times: 2, pauses: [800] });
  assert.deepEqual(await asked(busy, lost()), { answer: busy, times: 2, pauses: [1200] });
  assert.deepEqual(await asked(lost(), lost()), { answer: null, times: 2, pauses: [800] });
  await assert.rejects(asked(new TypeError('ours')), TypeError);
});
