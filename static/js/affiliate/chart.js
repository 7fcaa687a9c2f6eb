// Commission per day as bars on an ink base line: payable below, on hold above, today hatched. State in, picture out.

import { h } from '/static/js/dom.js';
import { money, t, time } from '/static/js/i18n.js';
import { roundUp } from '/static/js/control/select.js';
import { hatch, s, short } from '/static/js/ui/svg.js';

const H = 170, BASE = 146, TOP = 24;

/** An <svg> of the days, `width` units wide; the text keeps its size at every width. */
export function chart(bars, currency, width) {
  const most = Math.max(...bars.map(({ done, hold }) => done + hold), 0);
  if (most === 0) return h('p.small.quiet', {}, t('The first commission starts the chart.'));
  const scale = roundUp(Math.max(most, 100));
  const left = 10 + 6.2 * Math.max(...[0.5, 1].map((part) => short(scale * part, currency).length));
  const step = (width - left) / bars.length;
  const y = (minor) => BASE - (Math.max(0, minor) / scale) * (BASE - TOP);
  const today = bars.at(-1);
  const svg = s('svg', { class: 'chart', viewBox: `0 0 ${width} ${H}`, role: 'img',
    'aria-label': t('Commission per day for {days} days; today {money} so far', { days: bars.length, money: money(today.done + today.hold, currency) }) });
  svg.append(hatch());
  for (const part of [0.5, 1]) {
    svg.append(s('path', { class: 'grid', d: `M${left} ${y(scale * part)}H${width}` }), s('text', { x: left - 5, y: y(scale * part) + 4, 'text-anchor': 'end' }, short(scale * part, currency)));
  }
  bars.forEach((bar, n) => svg.append(...barOf(bar, left + n * step, step, y, bar === today)));
  svg.append(s('path', { class: 'base', d: `M${left} ${BASE}H${width}` }), ...labels(bars, left, step, width));
  if (today.done + today.hold > 0) svg.append(s('text', { class: 'say', x: width, y: Math.max(12, y(today.done + today.hold) - 6), 'text-anchor': 'end' }, t('{money} so far', { money: money(today.done + today.hold, currency) })));
  return svg;
}

function barOf({ done, hold }, x, step, y, isToday) {
  const parts = isToday ? [[0, done + hold, 'now']] : [[0, done, 'bar'], [done, done + hold, 'bar2']];
  return parts.filter(([from, to]) => to > from).map(([from, to, kind]) => s('rect', { class: kind, ...(isToday ? { fill: 'url(#hatch)' } : {}), x: x + step * 0.12, y: y(to), width: step * 0.76, height: Math.max(1, y(from) - y(to)), rx: 2 }));
}

function labels(bars, left, step, width) {
  const marks = bars.map((bar, n) => [bar, n]).filter(([, n]) => n % 7 === 1 && left + (n + 5) * step < width);
  return [...marks.map(([{ at }, n]) => s('text', { x: left + n * step, y: 164 }, time(at, 'month'))), s('text', { class: 'say', x: width, y: 164, 'text-anchor': 'end' }, t('today'))];
}
