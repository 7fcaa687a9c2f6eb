// The report's pictures: revenue as on the control page, viewers as a line. And taking down what is still on sale.

import { newKey, post } from '/static/js/api.js';
import { chart } from '/static/js/control/chart.js';
import { $, h, pageData } from '/static/js/dom.js';
import { number, t, time } from '/static/js/i18n.js';
import { toast } from '/static/js/ui/toast.js';
import { line, roundUp } from '/static/js/studio/report_state.js';
import { s } from '/static/js/ui/svg.js';

const W = 366;
const H = 168;
const data = pageData();

function viewers(minutes) {
  const most = Math.max(...minutes.map(({ viewers: count }) => count));
  const scale = roundUp(most);
  const { points, left, base, top } = line(minutes, scale, W, H);
  const path = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
  const picture = s('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': t('Viewers in each minute, at most {n}', { n: number(most) }) });
  for (const part of [0.5, 1].filter((share) => Number.isInteger(scale * share))) {
    const y = base - (base - top) * part;
    picture.append(s('path', { class: 'grid', d: `M${left} ${y}H${W}` }), s('text', { x: left - 5, y: y + 4, 'text-anchor': 'end' }, number(scale * part)));
  }
  picture.append(s('path', { class: 'area', d: `M${points[0][0]} ${base}L${path}L${points.at(-1)[0]} ${base}Z` }), s('path', { class: 'line', d: `M${path}` }));
  picture.append(s('path', { class: 'base', d: `M${left} ${base}H${W}` }),
    s('text', { x: left, y: H - 5 }, time(minutes[0].minute)), s('text', { x: W, y: H - 5, 'text-anchor': 'end' }, time(minutes.at(-1).minute)));
  return picture;
}

const nothing = (text) => h('div.empty', {}, h('p.small', {}, text));

if ($('#revenue')) {
  const paid = data.minutes.filter(({ minor }) => minor > 0).map(({ minute, minor }) => ({ minute, minor }));
  $('#revenue').replaceChildren(paid.length
    ? chart({ revenue: paid, sales: data.sales, startedAt: Date.parse(data.started_at), nowMs: Date.parse(data.ended_at), currency: data.currency, isOver: true })
    : nothing(t('Nothing was paid in this show.')));
  const seen = data.minutes.filter(({ viewers: count }) => count !== null);
  $('#viewers').replaceChildren(seen.length > 1 ? viewers(seen) : nothing(t('Too short to draw.')));
}

$('#take-down')?.addEventListener('click', async (event) => {
  event.currentTarget.disabled = true;
  try {
    for (const id of data.open) await post(`/api/live/${data.id}/control`, { key: newKey(), action: 'close_shelf', offer_id: id });
    location.reload();
  } catch (error) {
    toast(error.message, { kind: 'urgent' });
    event.target.disabled = false;
  }
});
