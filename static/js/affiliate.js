// The earnings page: follows the affiliate's own stream; what it missed it asks for.

import { get } from '/static/js/api.js';
import { $, h, pageData, setText, show, syncList } from '/static/js/dom.js';
import { money, moneyParts, t, tn } from '/static/js/i18n.js';
import { chart } from '/static/js/affiliate/chart.js';
import * as lines from '/static/js/affiliate/lines.js';
import '/static/js/affiliate/share.js';
import { apply, begin, days, flow, headline, replace } from '/static/js/affiliate/state.js';
import { serverClock } from '/static/js/live/clock.js';
import { Line, refresher } from '/static/js/live/socket.js';
import { createStore } from '/static/js/live/store.js';

const DAYS = 30;
const PLUS_MS = 8000; // "just now" is over then
const SETTLE_MS = 4000; // visits and pictures come with a snapshot, at most so often while sales run

const store = createStore(begin(pageData()), { paint, changed });
let plusTimer = null;
let soon = null;

function paint(state) {
  const top = headline(state);
  $('#earned').replaceChildren(h('span.price', {}, moneyParts(top.minor, state.currency).map(([kind, text]) => (kind === 'int' ? text : h('small', {}, text)))));
  if (top.isLive) setText($('#earned-note'), t('Orders: {orders}, visits: {visits}, in {show}', { orders: top.orders, visits: top.visits, show: top.title }));
  setText($('#plus'), state.plus ? plusText(state) : '');
  paintFlow(state);
  paintShows(state);
  syncList($('#lines'), state.lines, ({ id }) => id, lines.make, (element, line) => lines.paint(element, line, state.fresh.includes(line.id)));
  show($('#no-lines'), !state.lines.length);
  show($('#all-lines'), state.lines.length > 0);
  paintChart(state);
}

const plusText = ({ plus, currency }) => (plus.minor > 0 ? t('+{money} just now', { money: money(plus.minor, currency) }) : t('−{money} just now', { money: money(-plus.minor, currency) }));

function paintFlow(state) {
  const { hold, payable, paid, waits } = flow(state);
  const cash = (minor) => money(minor, state.currency);
  setText($('#flow-hold'), cash(hold));
  setText($('#flow-payable'), cash(payable));
  setText($('#flow-paid'), cash(paid));
  let note = t('settled, with the next payout');
  if (payable < 0) note = t('below zero: later earnings pay it back');
  else if (waits > 0) note = t('{money} more at the next settlement', { money: cash(waits) });
  else if (waits < 0) note = t('{money} is taken back at the next settlement', { money: cash(-waits) });
  setText($('#flow-waits'), note);
}

function paintShows(state) {
  for (const one of state.shows) {
    const element = $(`#shows [data-key="${CSS.escape(one.campaign_id)}"]`);
    if (!element) return location.reload(); // a show went on air: the server draws it
    setText($('.end .num', element), money(one.earned_minor, one.currency));
    setText($('.end .tiny', element), tn('{n} order', '{n} orders', one.orders));
  }
  if ($('#shows').children.length > state.shows.length) location.reload();
}

let drawn = '';
function paintChart(state) {
  const box = $('#chart');
  const width = Math.max(320, Math.min(826, box.clientWidth));
  const bars = days(state.hours, DAYS, Date.now());
  const mark = JSON.stringify([width, bars]);
  if (mark === drawn) return;
  drawn = mark;
  box.replaceChildren(chart(bars, state.currency, width));
}

function changed(state, before) {
  if (state.stale) refresh({ now: true });
  else if (state.lines !== before.lines && state.fresh !== before.fresh) soon ??= setTimeout(() => { soon = null; refresh({ now: true }); }, SETTLE_MS * (0.75 + Math.random() / 2));
  if (state.plus !== before.plus && state.plus) {
    clearTimeout(plusTimer);
    plusTimer = setTimeout(() => store.update((now) => ({ ...now, plus: null, fresh: [] })), PLUS_MS);
  }
}

const refresh = refresher({
  load: async () => store.update(replace, await get(`/api/affiliate?currency=${store.state.currency}`)),
  isWanted: () => store.state.stale,
});

function paintLine(status) {
  const words = { connecting: '', online: '', reconnecting: t('Reconnecting'), offline: t('Offline: may be old') };
  setText($('#line-state'), words[status]);
  show($('#line-state'), Boolean(words[status]));
}

async function listen() {
  const { io } = await import('socket.io-client');
  const line = new Line({
    io, clock: serverClock(), join: { event: 'join_affiliate', data: {} }, also: [],
    on: {
      joined: ({ seq, totals }, again) => {
        document.documentElement.dataset.joined = 'yes';
        if (again || seq !== store.state.seq) refresh({ now: true });
        else store.update((state) => ({ ...state, totals }));
      },
      frame: ({ stream, events }) => {
        if (stream === `affiliate:${store.state.affiliate_id}`) for (const event of events) store.update(apply, event);
      },
      status: paintLine, refused: () => line.close(),
    },
  }).open();
}

paint(store.state);
addEventListener('resize', store.repaint);
listen().catch(() => paintLine('offline'));
