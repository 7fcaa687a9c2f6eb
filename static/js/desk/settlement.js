// A settlement's progress as it happens: figures are painted, and when it is over or went wrong the page comes anew.

import { $, h, pageData, setText, show } from '/static/js/dom.js';
import { money, number, t } from '/static/js/i18n.js';
import { apply, begin, isOutdated, joined } from '/static/js/desk/settlement_state.js';
import { serverClock } from '/static/js/live/clock.js';
import { Line } from '/static/js/live/socket.js';
import { createStore } from '/static/js/live/store.js';
import { paintProgress } from '/static/js/ui/progress.js';

const bar = $('#progress progress');
const store = createStore(begin(pageData()), { paint, changed });

function paint({ run }) {
  paintProgress(bar, { done: run.chunks ? run.done : null, total: run.chunks, state: run.failed || run.state === 'blocked' ? 'failed' : '' });
  const words = { open: t('Begins'), running: t('At work'), settled: t('Being checked') };
  if (words[run.state] && !run.failed) $('#run-state').replaceChildren(h('span.chip.calm', {}, words[run.state]));
  setText($('#run-chunks'), `${number(run.done)} / ${number(run.chunks)}`);
  setText($('#run-parties'), number(run.parties));
  setText($('#run-items'), number(run.items));
  setText($('#run-amount'), money(run.amount_minor, run.currency));
}

function changed(state) {
  if (isOutdated(state)) location.reload();
}

function paintLine(status) {
  const words = { connecting: '', online: '', reconnecting: t('Reconnecting'), offline: t('Offline: may be old') };
  setText($('#line-state'), words[status]);
  show($('#line-state'), Boolean(words[status]));
}

async function listen() {
  const { io } = await import('socket.io-client');
  const { run } = store.state;
  const line = new Line({
    io, clock: serverClock(), join: { event: 'join_campaign', data: { campaign_id: run.campaign_id } }, also: [],
    on: {
      joined: (answer) => {
        document.documentElement.dataset.joined = 'yes';
        store.update(joined, answer);
      },
      frame: ({ stream, events }) => {
        if (stream === `campaign:${run.campaign_id}`) for (const event of events) store.update(apply, event);
      },
      status: paintLine, refused: () => line.close(),
    },
  }).open();
}

listen().catch(() => paintLine('offline'));
