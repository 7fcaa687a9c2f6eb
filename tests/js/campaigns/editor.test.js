import '../served.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const { load } = await import('/static/js/i18n.js');
load({ lang: 'en', strings: {}, plurals: {} });
const { parseAmount, parseWhole } = await import('/static/js/campaigns/amount.js');
const { readCell } = await import('/static/js/campaigns/cells.js');
const { makeSaver } = await import('/static/js/campaigns/saver.js');
const { apply, canPublish, initial, isClean, moved, problemOf } = await import('/static/js/campaigns/state.js');
const { preview, takenAt, unitsAt } = await import('/static/js/campaigns/sums.js');

const offer = (id, more = {}) => ({ id, price_minor: 210, allotment: 10, cost_minor: 100, low_minor: 295, compare_at_minor: null, limit_per_member: 2, ...more });
const sheet = (offers, problems = []) => ({ campaign: { currency: 'GBP' }, offers, problems });

test('amounts are read as the server reads them', () => {
  const good = [['9.95', 'EUR', 995], ['9,95', 'EUR', 995], [' 12 ', 'EUR', 1200], ['.5', 'EUR', 50], ['7.', 'GBP', 700],
    ['1200', 'JPY', 1200], ['1200.0', 'JPY', 1200], ['1.005', 'KWD', 1005], ['12,5', 'KWD', 12500]];
  for (const [text, currency, minor] of good) assert.equal(parseAmount(text, currency), minor, text);
  const bad = [['', 'EUR'], ['.', 'EUR'], ['free', 'EUR'], ['1.005', 'EUR'], ['0.5', 'JPY'], ['NaN', 'EUR'], ['1e3', 'EUR'], ['0', 'EUR'],
    ['-1', 'EUR'], ['1,234', 'KWD'], ['1,234', 'EUR'], ['1,200', 'JPY'], ['£5', 'GBP'], ['99999999999999999', 'JPY'], ['90071992547409.92', 'EUR']];
  for (const [text, currency] of bad) assert.equal(parseAmount(text, currency), null, text);
});

test('whole numbers stay in their bounds', () => {
  assert.equal(parseWhole('7', 1, 9), 7);
  for (const text of ['', '-1', '1.5', '10', '0', '1e1', '７']) assert.equal(parseWhole(text, 1, 9), null, text);
});

test('an empty full price is none; an empty price is an error in words', () => {
  assert.deepEqual(readCell('compare_at_minor', ' ', 'GBP'), { value: null });
  assert.equal(readCell('price_minor', '', 'GBP').error, 'An amount like 9.95');
  assert.equal(readCell('limit_per_member', '0', 'GBP').error, 'A whole number from 1 to 1000');
});

test('the preview adds up offer by offer, and counts no unknown cost', () => {
  const offers = [offer('a'), offer('b', { price_minor: 400, allotment: 3, cost_minor: null, low_minor: 300 })];
  assert.equal(unitsAt(3, 50), 2);
  assert.equal(takenAt(offers[1], 50), 800);
  const sum = preview(offers, 50);
  assert.deepEqual({ sold: sum.sold, units: sum.units, taken: sum.taken, cost: sum.cost, margin: sum.margin, unknown: sum.unknown, below: sum.below, full: sum.full },
    { sold: 7, units: 13, taken: 1850, cost: 500, margin: 550, unknown: 1, below: 1, full: 3300 });
  assert.equal(preview(offers, 100).taken, preview(offers, 100).full);
  assert.equal(preview([], 85).margin, 0);
});

test('what was typed stays until the server has exactly that', () => {
  let state = initial(sheet([offer('a')]));
  state = apply(state, { type: 'edited', id: 'a', field: 'price_minor', text: '1.9' });
  state = apply(state, { type: 'edited', id: 'a', field: 'price_minor', text: '1.99' });
  state = apply(state, { type: 'sent', id: 'a', field: 'price_minor', text: '1.9' });
  assert.equal(state.edits['a.price_minor'].text, '1.99');
  state = apply(state, { type: 'sent', id: 'a', field: 'price_minor', text: '1.99' });
  assert.ok(isClean(state));
});

test('a refused cell keeps its text and its reason, and stops publishing', () => {
  let state = initial(sheet([offer('a')]));
  state = apply(state, { type: 'edited', id: 'a', field: 'price_minor', text: '9.99' });
  state = apply(state, { type: 'refused', id: 'a', field: 'price_minor', message: 'too much' });
  assert.deepEqual(state.edits['a.price_minor'], { text: '9.99', error: 'too much' });
  assert.equal(canPublish(state), false);
  state = apply(state, { type: 'reverted', id: 'a', field: 'price_minor' });
  assert.equal(canPublish(state), true);
});

test('edits of an offer that is gone are forgotten', () => {
  let state = initial(sheet([offer('a'), offer('b')]));
  state = apply(state, { type: 'edited', id: 'b', field: 'price_minor', text: '9' });
  state = apply(state, { type: 'sheet', sheet: sheet([offer('a')]) });
  assert.ok(isClean(state));
});

test('events never change the state they are given', () => {
  const state = initial(sheet([offer('a'), offer('b')]));
  const before = JSON.stringify(state);
  for (const event of [{ type: 'edited', id: 'a', field: 'price_minor', text: '1' }, { type: 'reordered', ids: ['b', 'a'] },
    { type: 'sheet', sheet: sheet([]) }, { type: 'saving', saving: 'waiting' }, { type: 'percent', percent: 3 }, { type: 'unknown' }]) apply(state, event);
  assert.equal(JSON.stringify(state), before);
});

test('rows move within the list, and only rows that exist', () => {
  assert.deepEqual(moved(['a', 'b', 'c'], 'a', 1), ['b', 'a', 'c']);
  assert.deepEqual(moved(['a', 'b', 'c'], 'c', -2), ['c', 'a', 'b']);
  const ids = ['a', 'b'];
  assert.equal(moved(ids, 'a', -1), ids);
  assert.equal(moved(ids, 'x', 1), ids);
  const state = initial(sheet([offer('a'), offer('b')]));
  assert.deepEqual(apply(state, { type: 'reordered', ids: ['b', 'a'] }).sheet.offers.map((each) => each.id), ['b', 'a']);
  assert.equal(apply(state, { type: 'reordered', ids: ['b'] }), state);
});

test('a row says what stops before what only warns', () => {
  const problems = [{ offer_id: 'a', code: 'below_cost', stops: false }, { offer_id: 'a', code: 'deal', stops: true }];
  assert.equal(problemOf(initial(sheet([offer('a')], problems)), 'a').code, 'deal');
  assert.equal(problemOf(initial(sheet([offer('a')], problems)), 'b'), null);
});

function recorder(answers) {
  const log = [];
  const saver = makeSaver({
    send: async (job) => {
      log.push(`send ${job.name}`);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    done: (job) => log.push(`done ${job.name}`),
    refused: (job, error) => log.push(`refused ${job.name} ${error.code}`),
    status: (word) => log.push(word),
    pause: async () => log.push('pause'),
  });
  return { log, saver };
}

const failure = (more) => Object.assign(new Error('no'), more);

test('things are saved one after the other, and a newer text replaces one that waits', async () => {
  const { log, saver } = recorder([{}, {}, {}]);
  saver.put('x', { name: 'x1' });
  saver.put('y', { name: 'y1' });
  await saver.put('y', { name: 'y2' });
  assert.deepEqual(log, ['saving', 'send x1', 'done x1', 'send y2', 'done y2', 'saved']);
});

test('a lost connection is waited out; nothing is dropped', async () => {
  const { log, saver } = recorder([failure({ isUnknown: true }), failure({ status: 503 }), {}]);
  await saver.put('x', { name: 'x' });
  assert.deepEqual(log, ['saving', 'send x', 'waiting', 'pause', 'saving', 'send x', 'waiting', 'pause', 'saving', 'send x', 'done x', 'saved']);
});

test('a clear no is told and the next one goes on', async () => {
  const { log, saver } = recorder([failure({ status: 422, code: 'invalid' }), {}]);
  saver.put('x', { name: 'x' });
  await saver.put('y', { name: 'y' });
  assert.deepEqual(log, ['saving', 'send x', 'refused x invalid', 'send y', 'done y', 'saved']);
});

test('what is typed while its older text is on its way is sent too', async () => {
  const { log, saver } = recorder([{}, {}]);
  const run = saver.put('x', { name: 'x1' });
  await Promise.resolve();
  saver.put('x', { name: 'x2' });
  await run;
  assert.deepEqual(log.filter((line) => line.startsWith('send')), ['send x1', 'send x2']);
});
