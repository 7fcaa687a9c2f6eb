// The figures: money per minute, people, where the holds are, and the stock of each offer.

import { $, h, setText, show, syncList } from '/static/js/dom.js';
import { number, percent, t } from '/static/js/i18n.js';
import { price, setPrice } from '/static/js/ui/price.js';
import { paintStockbar, stockbar } from '/static/js/ui/stockbar.js';
import { offersInOrder } from '/static/js/live/select.js';
import { chart, emptyChart } from '/static/js/control/chart.js';

export function createFigures(ctx) {
  const revenue = price(0, ctx.store.state.show.currency);
  $('#revenue').append(revenue);
  let drawn = '';

  function paintNumbers({ counters, staff: { figures: f }, show: live }) {
    if (!f) return;
    setPrice(revenue, f.revenue_minor, live.currency);
    setText($('#n-viewers'), number(f.viewers ?? counters.viewers ?? 0));
    setText($('#n-claims'), number(f.claims));
    setText($('#n-orders'), number(f.orders));
    setText($('#p-held'), number(f.held));
    setText($('#p-paid'), number(f.paid));
    setText($('#p-back'), number(f.returned));
    const ended = f.paid + f.returned;
    setText($('#p-share'), ended ? t('paid, {share}', { share: percent(f.paid / ended, 0) }) : t('paid'));
  }

  /** The picture is drawn anew only when money, sales or the minute changed. */
  function paintChart({ staff, show: live }) {
    const rows = staff.figures?.revenue ?? staff.revenue ?? [];
    const minute = Math.floor(ctx.nowMs() / 60_000);
    const key = JSON.stringify([rows.length, rows.at(-1), staff.sales, minute, live.started_at]);
    if (key === drawn) return;
    drawn = key;
    const isEmpty = !rows.length && !staff.sales?.length;
    $('#chart').replaceChildren(isEmpty ? emptyChart() : chart({ revenue: rows, sales: staff.sales ?? [], startedAt: live.started_at && Date.parse(live.started_at), currency: live.currency,
      ...(live.ended_at ? { nowMs: Date.parse(live.ended_at), isOver: true } : { nowMs: ctx.nowMs() }) }));
  }

  const make = (offer) => h('li', {}, h('span.clip', {}, offer.title), stockbar(allUnits(offer)), h('span.end', {}, h('b.num'), h('span.tiny.queue')));
  function paintRow(element, offer) {
    const [, bar, end] = element.children;
    const units = allUnits(offer);
    paintStockbar(bar, units);
    const { waiting } = offer.stock;
    setText(end.firstElementChild, number(units.left));
    end.firstElementChild.classList.toggle('low', units.left > 0 && units.left * 5 < units.total);
    show(end.firstElementChild, !(waiting > 0 && units.left === 0));
    setText(end.lastElementChild, waiting > 0 ? t('{n} in line', { n: number(waiting) }) : '');
  }
  return {
    paint(state) {
      paintNumbers(state);
      paintChart(state);
      syncList($('#stock'), offersInOrder(state), ({ id }) => id, make, paintRow);
    },
  };
}

// On this page the reserve counts as left: it is the host's to sell.
function allUnits({ stock: { left, reserve, held, sold } }) {
  return { left: left + reserve, held, gone: sold, total: left + reserve + held + sold };
}
