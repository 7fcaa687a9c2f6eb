// The order's page follows the news: over the socket where it is, else by asking. What changed is fetched as the
// server draws it and swapped in, so that there is one drawing.

import { ApiError, get, post } from '/static/js/api.js';
import { $, on } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { serverClock } from '/static/js/live/clock.js';
import { Line } from '/static/js/live/socket.js';
import { refine } from '/static/js/shell.js';
import { run as runCountdowns } from '/static/js/ui/countdown.js';
import { toast } from '/static/js/ui/toast.js';

// While money is on its way a person looks at the page: 3 s. Afterwards only the socket tells.
const ASK_MS = 3000;

const read = (root = document) => JSON.parse($('#page-data', root).textContent);
let known = read();
let line = null;

/** What of an order the page draws; another value means another drawing. */
const mark = (order) => [order.state, order.fulfilment, order.refunded_minor, order.payment?.state ?? order.payment ?? null].join();

async function redraw() {
  const answer = await fetch(location.pathname, { headers: { Accept: 'text/html' }, credentials: 'same-origin' });
  if (!answer.ok || answer.redirected) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const next = $('#order', fresh);
  if (!next) return location.reload();
  $('#order').replaceWith(document.adoptNode(next));
  $('#cancel')?.replaceWith(document.adoptNode($('#cancel', fresh)));
  known = read(fresh);
  refine();
  runCountdowns();
}

async function look(order) {
  if (order.id === known.id && mark(order) !== mark(known)) await redraw();
}

async function ask() {
  if (known.open && document.visibilityState === 'visible') {
    try {
      await look((await get(`/api/orders/${known.id}`)).order);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  setTimeout(ask, ASK_MS);
}

async function listen() {
  const { io } = await import('socket.io-client');
  line = new Line({
    io, clock: serverClock(), join: { event: 'join_orders', data: {} }, also: [],
    on: {
      joined: (_answer, again) => again && get(`/api/orders/${known.id}`).then(({ order }) => look(order)).catch(() => {}),
      frame: ({ events }) => { for (const event of events) if (event.kind === 'order.changed') look(event.payload.order); },
      status: () => {}, refused: () => line.close(),
    },
  }).open();
}

// Paying goes through JSON: a form may not be led to another house (CSP form-action), a page may.
on(document, 'submit', 'form[data-pay]', async (event, form) => {
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = 'yes';
  const { csrf_token: _token, ...body } = Object.fromEntries(new FormData(form));
  const button = $('button', form);
  button.setAttribute('aria-disabled', 'true');
  try {
    const answer = await post(`/api/orders/${known.id}/pay`, body);
    if (answer.next.redirect) location.assign(answer.next.redirect);
    else await redraw();
  } catch (error) {
    toast(error instanceof ApiError ? error.message : t('Something broke on our side. Please try again.'), { kind: 'urgent' });
    button.removeAttribute('aria-disabled');
    delete form.dataset.busy;
  }
});

listen().catch(() => {}); // without a line, asking is enough
setTimeout(ask, ASK_MS);
