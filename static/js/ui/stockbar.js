// The stock bar: left, held and gone drawn apart, because held units may come back.

import { h, setAttr } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';

/** Widths in percent and whether few are left. "Few" is under a fifth, as the colours say. */
export function shares({ left, held, gone, total = left + held + gone }) {
  const part = (units) => (total > 0 ? Math.min(100, Math.max(0, (units / total) * 100)) : 0);
  return { left: part(left), held: part(held), gone: part(gone), low: left > 0 && left * 5 < total };
}

export function stockbar(stock, { tall = false } = {}) {
  const bar = h(`div.stockbar${tall ? '.tall' : ''}`, { role: 'img' }, h('i.left'), h('i.held'), h('i.gone'));
  paintStockbar(bar, stock);
  return bar;
}

/** Bring a bar (made here or by the server) up to date. */
export function paintStockbar(bar, stock) {
  const part = shares(stock);
  for (const name of ['left', 'held', 'gone']) bar.querySelector(`.${name}`).style.setProperty('--w', `${part[name].toFixed(2)}%`);
  bar.classList.toggle('low', part.low);
  const total = stock.total ?? stock.left + stock.held + stock.gone;
  setAttr(bar, 'aria-label', t('{left} of {total} left, {held} held', { left: number(stock.left), total: number(total), held: number(stock.held) }));
}
