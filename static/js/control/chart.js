// Revenue per minute as bars on an ink base line; sales are shaded, the running minute is hatched. State in, picture out.

import { h } from '/static/js/dom.js';
import { money, t, time } from '/static/js/i18n.js';
import { barsOf, roundUp } from '/static/js/control/select.js';
import { hatch, s, short } from '/static/js/ui/svg.js';

const W = 366, H = 168, BASE = 148, TOP = 26;

/** An <svg> of the revenue; `sales` are {title, opens_at, ended_at, closes_at}. With `isOver` the whole show is drawn. */
export function chart({ revenue, sales, startedAt, nowMs, currency, isOver = false }) {
  const bars = isOver ? barsOf(revenue, startedAt, nowMs, Infinity).map((bar) => ({ ...bar, isNow: false })) : barsOf(revenue, startedAt, nowMs);
  const count = Math.max(bars.length, 12);
  const most = Math.max(...bars.map(({ minor }) => minor));
  const scale = roundUp(Math.max(most, 100));
  const LEFT = 10 + 6.2 * Math.max(...[0.5, 1].map((part) => short(scale * part, currency).length));
  const step = (W - LEFT) / count;
  const x = (at) => LEFT + ((at - bars[0].at) / 60_000) * step;
  const y = (minor) => BASE - (minor / scale) * (BASE - TOP);
  const svg = s('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img',
    'aria-label': t('Revenue per minute, highest {money}', { money: money(most, currency) }) });
  svg.append(hatch());
  for (const part of [0.5, 1]) {
    svg.append(s('path', { class: 'grid', d: `M${LEFT} ${y(scale * part)}H${W}` }),
      s('text', { x: LEFT - 5, y: y(scale * part) + 4, 'text-anchor': 'end' }, short(scale * part, currency)));
  }
  for (const sale of sales) svg.append(...span(sale, x, bars, step, nowMs));
  for (const bar of bars) svg.append(barOf(bar, x, y, step));
  const peak = bars.find(({ minor }) => minor === most);
  if (most > 0 && peak) svg.append(s('text', { class: 'say', x: Math.min(x(peak.at) + step + 3, W - 46), y: Math.max(12, y(most) - 5) }, money(most, currency)));
  svg.append(s('path', { class: 'base', d: `M${LEFT} ${BASE}H${W}` }), ...labels(bars, x, isOver));
  return svg;
}

function barOf({ at, minor, isNow }, x, y, step) {
  const top = y(minor);
  return s('rect', { class: isNow ? 'now' : 'bar', ...(isNow ? { fill: 'url(#hatch)' } : {}), x: x(at) + step * 0.11, y: top, width: step * 0.78, height: Math.max(0, BASE - top), rx: 1.5 });
}

function span({ title, opens_at: opens, closes_at: closes, ended_at: ended }, x, bars, step, nowMs) {
  const from = Math.max(Date.parse(opens), bars[0].at);
  const to = Math.min(Date.parse(ended ?? closes), nowMs);
  if (to <= from) return [];
  const left = x(from);
  const width = Math.max(x(to) - left, 2);
  const fits = Math.floor(width / 5.6);
  const text = width > 34 ? [s('text', { x: left, y: 13 }, title.length > fits ? `${title.slice(0, fits - 1).trimEnd()}…` : title)] : [];
  return [s('rect', { class: 'span', x: left, y: 18, width, height: BASE - 18 }), s('path', { class: 'span-line', d: `M${left} 18h${width}` }), ...text];
}

function labels(bars, x, isOver) {
  const every = bars.length <= 30 ? 5 : bars.length <= 90 ? 15 : 60;
  const end = bars.at(-1).at;
  const marks = bars.filter(({ at }) => (at / 60_000) % every === 0 && (isOver ? x(at) < W - 30 : end - at > 120_000));
  if (isOver) return marks.map(({ at }) => s('text', { x: x(at), y: 163 }, time(at)));
  return [...marks.map(({ at }) => s('text', { x: x(at), y: 163 }, time(at))),
    s('text', { class: 'say', x: Math.min(x(bars.at(-1).at), W - 24), y: 163 }, t('now'))];
}

// "£400" rather than "£400.00" on an axis.
/** The legend for screen readers is the picture's label; this is its frame. */
export const emptyChart = () => h('p.small.quiet.empty-chart', {}, t('The first payment starts the chart.'));
