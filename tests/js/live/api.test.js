import '../served.js';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

globalThis.document = { querySelector: () => ({ content: 'token' }) };
const { load } = await import('/static/js/i18n.js');
load({ lang: 'en', strings: {}, plurals: {} });
const { ApiError, call, get, newKey, post } = await import('/static/js/api.js');

let sent;
let answers;
const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers });

beforeEach(() => {
  sent = [];
  answers = [];
  globalThis.fetch = async (url, options) => {
    sent.push({ url, ...options });
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
});

test('a write carries the token and its body, and gives the answer', async () => {
  answers = [json(201, { order: 1 })];
  assert.deepEqual(await post('/api/orders', { key: 'k', a: 1 }), { order: 1 });
  assert.equal(sent[0].headers['X-CSRFToken'], 'token');
  assert.deepEqual(JSON.parse(sent[0].body), { key: 'k', a: 1 });
});

test('a refusal is an error with code, words and fields, and is not repeated', async () => {
  answers = [json(422, { code: 'invalid', message: 'Please check', fields: { city: ['Fill this in'] }, left: 2 })];
  await assert.rejects(post('/x', { key: 'k' }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.code, error.status, error.fields.city[0], error.extra.left, error.isUnknown], ['invalid', 422, 'Fill this in', 2, false]);
    return true;
  });
  assert.equal(sent.length, 1);
});

test('a lost request is repeated with the very same key', async () => {
  answers = [new TypeError('network'), json(503, { code: 'busy', message: 'busy' }), json(200, { ok: true })];
  await post('/x', { key: 'once' });
  assert.deepEqual(sent.map(({ body }) => JSON.parse(body).key), ['once', 'once', 'once']);
});

test('a write without a key is sent once', async () => {
  answers = [new TypeError('network')];
  await assert.rejects(post('/x', { name: 'a' }), (error) => error.code === 'network' && error.isUnknown);
  assert.equal(sent.length, 1);
});

test('no answer in time is its own error', async () => {
  globalThis.fetch = (_url, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
  await assert.rejects(call('GET', '/x', null, { timeoutMs: 20, repeat: false }), (error) => error.code === 'timeout' && error.isUnknown);
});

test('an answer that is no JSON is a failure in words, not a crash', async () => {
  answers = [new Response('<h1>502</h1>', { status: 500 }), new Response('<p>fine?</p>', { status: 200 })];
  await assert.rejects(get('/x', { repeat: false }), (error) => error.code === 'unreadable' && error.status === 500);
  await assert.rejects(get('/x', { repeat: false }), (error) => error.code === 'unreadable' && error.status === 200);
});

test('who stops asking is not asked again', async () => {
  const stop = new AbortController();
  globalThis.fetch = (_url, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
  const going = get('/x', { signal: stop.signal });
  stop.abort();
  await assert.rejects(going, { name: 'AbortError' });
});

test('keys are UUIDs, also where the page is plain HTTP', () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(newKey(), shape);
  const { randomUUID } = crypto;
  Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
  try {
    const keys = new Set(Array.from({ length: 100 }, newKey));
    assert.equal(keys.size, 100);
    for (const key of keys) assert.match(key, shape);
  } finally {
    Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true });
  }
});
