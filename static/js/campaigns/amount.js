// What a person types into a cell, as the server would read it (core/money.py parse): digits, a point or a comma.

import { exponent } from '../i18n.js';

const AMOUNT = /^(\d{0,15})(?:([.,])(\d{0,15}))?$/;

/** Minor units of "9.95" or "9,95"; null if it is no amount above 0, too fine for the currency, or ambiguous. */
export function parseAmount(text, currency) {
  const match = AMOUNT.exec(text.trim());
  if (!match) return null;
  const [, whole, point, rest = ''] = match;
  const digits = exponent(currency);
  const fine = rest.replace(/0+$/, '');
  // "1,234" may be a thousand or one and a bit in a currency of three digits: ask again rather than guess.
  if ((!whole && !rest) || fine.length > digits || (point === ',' && rest.length === 3)) return null;
  const minor = Number((whole || '0') + fine.padEnd(digits, '0'));
  return minor >= 1 && Number.isSafeInteger(minor) ? minor : null;
}

/** A whole number within bounds, or null. */
export function parseWhole(text, least, most) {
  const trimmed = text.trim();
  if (!/^\d{1,9}$/.test(trimmed)) return null;
  const value = Number(trimmed);
  return value >= least && value <= most ? value : null;
}
