// All products of the show in a sheet, for screens without room for the shelf.

import { $, h, icon, on } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { close, open } from '/static/js/ui/dialog.js';
import { syncOffers } from '/static/js/live/lines.js';
import { alsoOnCounter, onAir } from '/static/js/live/select.js';

export function createTray(root, ctx) {
  const list = h('ul.tray-list');
  const closer = h('button.btn.bare.only', { type: 'button', 'aria-label': t('Close'), onclick: () => close(dialog) }, icon('close'));
  const dialog = h('dialog.sheet.tray', { 'aria-labelledby': 'tray-title' }, h('div.grip'),
    h('div.top', {}, h('h2', { id: 'tray-title' }, t('On the counter')), closer), list);
  document.body.append(dialog);
  on(root, 'click', '[data-tray]', () => {
    syncOffers(list, all(ctx.store.state), ctx.store.state, ctx);
    open(dialog);
  });
  const count = $('#product-count', root);
  return {
    close: () => close(dialog),
    paint(state) {
      const many = Object.keys(state.offers).length;
      if (count && count.textContent !== String(many)) count.textContent = many;
      if (dialog.open) syncOffers(list, all(state), state, ctx);
    },
  };
}

const all = (state) => [onAir(state), ...alsoOnCounter(state)].filter(Boolean);
