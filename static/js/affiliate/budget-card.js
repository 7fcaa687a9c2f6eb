// The small card on the control page: what is left of the campaign's budget for commissions. Without one it stays away.

import { get } from '/static/js/api.js';
import { $, setText, show } from '/static/js/dom.js';
import { money, t } from '/static/js/i18n.js';
import { follow } from '/static/js/affiliate/budget-line.js';
import { burn } from '/static/js/affiliate/burn.js';

const card = $('#budget-card');

function paint(state) {
  const used = burn(state);
  show(card, Boolean(used));
  if (!used) return;
  setText($('[data-budget-left]', card), t('{money} left', { money: money(used.left, state.currency) }));
  $('progress', card).value = used.share * 100;
  $('progress', card).classList.toggle('failed', used.share >= 1);
}

get(card.dataset.url).then((snapshot) => follow(snapshot, card.dataset.url, paint), () => {});
