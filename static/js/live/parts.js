// Small pieces that card, lines and sheet share. Each is made once and brought up to date afterwards.

import { h, icon, setAttr, setText, show } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { price, setPrice, was } from '/static/js/ui/price.js';
import { paintStockbar, stockbar } from '/static/js/ui/stockbar.js';
import { paint as paintCountdown } from '/static/js/ui/countdown.js';
import { unitsOf } from '/static/js/live/select.js';

export const picture = (offer, cls = '', alt = '') => h(`img.thumb${cls}`, { src: offer.picture, alt, decoding: 'async', draggable: false });

/** The price that holds now, with the old one beside it. */
export function pricePair(offer, currency, { tag = true } = {}) {
  const now = price(offer.stock.price_minor, currency, { tag });
  const old = offer.compare_at_minor ? was(offer.compare_at_minor, currency) : null;
  return {
    nodes: [now, old],
    paint(next) {
      setPrice(now, next.stock.price_minor, currency);
      if (old) old.hidden = next.compare_at_minor <= next.stock.price_minor;
    },
  };
}

/** A countdown with words before it; `until` null hides it. */
export function countdown(words = '', { spare = false } = {}) {
  const say = h('span.quiet', {}, words);
  const left = h('span.left', {}, '--:--');
  const element = h('span.count', { role: 'timer', hidden: true }, icon('clock', 'sm'), say, left);
  return {
    element,
    /** `last`: seconds that are the last ones; 0 for what has no hurry. */
    paint(until, text = words, last = 30) {
      setText(say, text);
      element.dataset.last = last;
      if (element.dataset.until !== until && until) {
        element.dataset.until = until;
        paintCountdown(element);
      }
      if (!until) delete element.dataset.until;
      show(element, Boolean(until) || spare);
      if (!until && spare) setText(left, '--:--');
    },
  };
}

/** The bar and the two small facts under it. */
export function stockBlock(offer, currency, right = null) {
  const bar = stockbar(unitsOf(offer));
  const left = h('b.num');
  const of = h('span.quiet');
  const end = h('span.quiet', {}, right);
  const element = h('div.left', {}, bar, h('div.split.tiny', {}, h('span', {}, left, ' ', of), end));
  return {
    element,
    paint(next, endText = right) {
      const units = unitsOf(next);
      paintStockbar(bar, units);
      setText(left, t('{n} left', { n: number(units.left) }));
      setText(of, t('of {n}', { n: number(units.total) }));
      if (endText !== null) setText(end, endText);
    },
  };
}

// A thumb that is already on its way needs about this long to see that the button under it became another.
const SETTLE_MS = 350;

/**
 * Keeps a button from being pressed in the moment it becomes another: `rest(key)` says whether it must rest now.
 * `again()` is called when it may work.
 */
export function settling(again) {
  let last = null;
  let until = 0;
  return (key) => {
    const now = performance.now();
    if (last !== null && key !== last) {
      until = now + SETTLE_MS;
      setTimeout(again, SETTLE_MS + 10);
    }
    last = key;
    return now < until;
  };
}

/** A button whose words, look and state change. */
export function setButton(button, { text, kind = '', busy = false, disabled = false, label = null, iconName = null }) {
  const key = [text, busy, iconName].join('|');
  if (button.dataset.face !== key) {
    button.dataset.face = key;
    button.replaceChildren(...[busy && h('span.spin'), iconName && icon(iconName), text && h('span', {}, text)].filter(Boolean));
  }
  button.classList.toggle('buy', kind === 'buy');
  button.classList.toggle('calm', kind === 'calm');
  button.classList.toggle('only', Boolean(iconName) && !text);
  button.disabled = disabled;
  setAttr(button, 'aria-busy', busy || null);
  setAttr(button, 'aria-label', label);
}
