import './served.js';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const i18n = await import('/static/js/i18n.js');
const { clock, dayName, decimal, exponent, load, money, moneyParts, number, percent, t, time, tn } = i18n;

const english = { lang: 'en', strings: {}, plurals: {} };
const chinese = {
  lang: 'zh-CN',
  strings: { 'Buy {n}': '购买 {n} 件', Undo: '撤销' },
  plurals: { '{n} left': ['剩 {n} 件'] },
};

beforeEach(() => load(english));

test('a sentence without translation says itself', () => {
  assert.equal(t('Undo'), 'Undo');
  assert.equal(t('Buy {n}', { n: 2 }), 'Buy 2');
});

test('a translated sentence takes its values in its own order', () => {
  load(chinese);
  assert.equal(t('Buy {n}', { n: 2 }), '购买 2 件');
  assert.equal(t('Undo'), '撤销');
});

test('a placeholder without value stays visible instead of becoming "undefined"', () => {
  assert.equal(t('Hello {name}', {}), 'Hello {name}');
});

test('a value that looks like a placeholder is not filled again', () => {
  assert.equal(t('{a} and {b}', { a: '{b}', b: 'x' }), '{b} and x');
});

test('counting picks the form and writes the number', () => {
  assert.equal(tn('{n} left', '{n} left of them', 1), '1 left');
  assert.equal(tn('{n} left', '{n} left of them', 1234), '1,234 left of them');
  assert.equal(tn('one unit', '{n} units', 0), '0 units');
  load(chinese);
  assert.equal(tn('{n} left', '{n} left of them', 1), '剩 1 件');
  assert.equal(tn('{n} left', '{n} left of them', 12), '剩 12 件');
});

test('money is exact in currencies of 0, 2 and 3 digits', () => {
  assert.equal(money(210, 'GBP'), '£2.10');
  assert.equal(money(1280, 'JPY'), '¥1,280');
  assert.equal(money(1234567, 'KWD').replace(/\s/, ' '), 'KWD 1,234.567');
  assert.equal(money(-5, 'EUR'), '-€0.05');
  assert.deepEqual(['JPY', 'CNY', 'KWD'].map(exponent), [0, 2, 3]);
});

test('the largest amount that JSON carries is not rounded', () => {
  assert.equal(decimal(Number.MAX_SAFE_INTEGER, 'EUR'), '90071992547409.91');
  assert.equal(money(Number.MAX_SAFE_INTEGER, 'EUR'), '€90,071,992,547,409.91');
});

test('money in Chinese is written with Chinese signs', () => {
  load(chinese);
  assert.equal(money(9950, 'CNY'), '¥99.50');
  assert.equal(money(1280, 'JPY'), 'JP¥1,280');
});

test('price parts put the sign, the figure and the small units apart', () => {
  assert.deepEqual(moneyParts(123456, 'GBP'), [['symbol', '£'], ['int', '1,234'], ['frac', '.56']]);
  assert.deepEqual(moneyParts(1280, 'JPY'), [['symbol', '¥'], ['int', '1,280']]);
  assert.equal(moneyParts(-495, 'EUR').map(([, text]) => text).join(''), money(-495, 'EUR'));
});

test('numbers and shares follow the language', () => {
  assert.equal(number(8412), '8,412');
  assert.equal(percent(0.853), '85.3%');
});

test('English dates name the day before the month', () => {
  const moment = new Date(2026, 10, 26, 20, 4);
  assert.equal(time(moment), '20:04');
  assert.equal(time(moment, 'date'), '26 Nov 2026');
  assert.match(time(moment, 'day'), /^Thu,? 26 Nov$/); // ICU versions differ in the comma
  load(chinese);
  assert.match(time(moment, 'day'), /11月26日/);
});

test('midnight is 00:05, not 24:05', () => {
  assert.equal(time(new Date(2026, 0, 1, 0, 5)), '00:05');
});

test('near days are named', () => {
  const now = new Date(2026, 10, 26, 23, 50);
  assert.equal(dayName(new Date(2026, 10, 26, 1), now), 'today');
  assert.equal(dayName(new Date(2026, 10, 27, 0, 10), now), 'tomorrow');
  assert.match(dayName(new Date(2026, 10, 30), now), /^Mon,? 30 Nov$/);
  load(chinese);
  assert.equal(dayName(new Date(2026, 10, 27), now), '明天');
});

test('a clock rounds up, so that 00:00 means over', () => {
  assert.equal(clock(134_000), '02:14');
  assert.equal(clock(133_001), '02:14');
  assert.equal(clock(1), '00:01');
  assert.equal(clock(0), '00:00');
  assert.equal(clock(-5000), '00:00');
  assert.equal(clock(3_734_000), '1:02:14');
});
