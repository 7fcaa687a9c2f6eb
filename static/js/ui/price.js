// Prices as the page writes them: the figure large, currency and small units small.

import { h } from '/static/js/dom.js';
import { moneyParts, money, t } from '/static/js/i18n.js';

/** A price; with tag it is the one that holds now. */
export function price(minor, currency, { tag = false, cls = '' } = {}) {
  const element = h(`span.price${tag ? '.tag' : ''}${cls ? `.${cls}` : ''}`);
  setPrice(element, minor, currency);
  return element;
}

/** Write another amount into a price, if it is another. */
export function setPrice(element, minor, currency) {
  const key = `${minor}${currency}`;
  if (element.dataset.price === key) return;
  element.dataset.price = key;
  element.replaceChildren(...moneyParts(minor, currency).map(([kind, text]) => (kind === 'int' ? text : h('small', {}, text))));
}

/** The old price, struck through, and said as such. */
export const was = (minor, currency) => h('s.was', {}, h('span.sr', {}, `${t('Before')} `), money(minor, currency));
