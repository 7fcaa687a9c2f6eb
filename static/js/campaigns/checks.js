// The side panel "Checks": what stops publishing, each with its reason and the one press that would help.

import { h, icon, setText } from '../dom.js';
import { number, t, tn } from '../i18n.js';
import { problemId } from './rows.js';
import { stops, warnings } from './state.js';

function heading(state) {
  const count = stops(state).length;
  return count ? tn('{n} thing stops publishing', '{n} things stop publishing', count) : t('Ready to publish');
}

const notice = (problem) => h(`div.notice${problem.stops ? '.urgent' : ''}`, { id: problemId(problem), tabIndex: -1 },
  icon('warn'), h('span.grow', {}, h('b', {}, problem.title), ' ', problem.message, ' ',
    problem.fix && h('button.fix-it', { type: 'button', dataset: { fix: problem.code, offer: problem.offer_id ?? '' } }, problem.fix.label)));

function ready(state) {
  const units = state.sheet.offers.reduce((sum, offer) => sum + offer.allotment, 0);
  return h('div.notice.stock', {}, icon('check'), h('span.grow', {},
    t('Publishing sets {units} units aside and freezes the terms.', { units: number(units) })));
}

/** Paint the panel if what it says has changed, so that a focused button stays. */
export function paintChecks(title, box, state) {
  const problems = [...stops(state), ...warnings(state)];
  const key = JSON.stringify([problems, stops(state).length || state.sheet.offers]);
  if (box.dataset.says === key) return;
  box.dataset.says = key;
  setText(title, heading(state));
  box.replaceChildren(...(stops(state).length ? [] : [ready(state)]), ...problems.map(notice));
}
