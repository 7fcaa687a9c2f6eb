// The page of a campaign's budget: the figure, the bar and the curve move by themselves while a show sells.

import { $, h, pageData, setText } from '/static/js/dom.js';
import { money, t, time } from '/static/js/i18n.js';
import { follow } from '/static/js/affiliate/budget-line.js';
import { burn, line } from '/static/js/affiliate/burn.js';

const NS = 'http://www.w3.org/2000/svg';
const W = 640, H = 160, PAD = 4;
const { snapshot, url } = pageData();

function paint(state) {
  const used = burn(state);
  const cash = (minor) => money(minor, state.currency);
  setText($('#burn-left'), cash(used ? used.left : state.spent_minor));
  setText($('#burn-note'), used
    ? t('{spent} of {amount} used', { spent: cash(state.spent_minor), amount: cash(state.amount_minor) })
    : t('No budget is set: there is no limit.'));
  $('#burn-bar').hidden = !used;
  if (used) {
    $('#burn-bar').value = used.share * 100;
    $('#burn-bar').classList.toggle('failed', used.share >= 1);
  }
  $('#burn-chart').replaceChildren(curve(state, used), times(state));
  document.documentElement.dataset.spent = state.spent_minor;
}

const s = (tag, attrs) => {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  return element;
};

function curve(state, used) {
  const points = line(state);
  if (!points.length) return h('p.small.quiet', {}, t('The first commission starts the curve.'));
  const label = used ? t('What is left of the budget over time; now {money}', { money: money(used.left, state.currency) })
    : t('Commission over time; now {money}', { money: money(state.spent_minor, state.currency) });
  const svg = s('svg', { class: 'chart burn-curve', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label });
  const at = ([x, y]) => `${(x * W).toFixed(1)} ${(H - PAD - y * (H - 2 * PAD)).toFixed(1)}`;
  // A step, not a slope: it stood there until somebody paid.
  const path = points.map((point, n) => (n ? `L${at([point[0], points[n - 1][1]])}L${at(point)}` : `M${at(point)}`)).join('');
  svg.append(s('path', { class: 'burn-area', d: `${path}L${W} ${H - PAD}L0 ${H - PAD}Z` }), s('path', { class: 'burn-path', d: path }), s('path', { class: 'base', d: `M0 ${H - PAD}H${W}` }));
  return svg;
}

/** From when to when the curve runs. */
function times({ points }) {
  if (!points.length) return '';
  const [first, last] = [points[0][0], points.at(-1)[0]].map((at) => h('span', {}, time(at * 1000, 'short')));
  return h('div.split.tiny.quiet.num', {}, first, last);
}

const WORDS = { connecting: '', online: '', reconnecting: t('Reconnecting'), offline: t('Offline: may be old') };
const status = (word) => {
  setText($('#line-state'), WORDS[word]);
  if (word === 'online') document.documentElement.dataset.joined = 'yes';
};
follow(snapshot, url, paint, status).catch(() => status('offline'));
