// The campaign editor: state changes by events, everything is painted from it, every cell saves itself.

import { call, signInIfAsked } from '../api.js';
import { $, announce, csrfToken, h, on, pageData, setText, show } from '../dom.js';
import { number, t, time, tn } from '../i18n.js';
import * as dialog from '../ui/dialog.js';
import { toast } from '../ui/toast.js';
import { wireAdd } from './add.js';
import { wireCells } from './cells.js';
import { paintChecks } from './checks.js';
import { wireDetails } from './details.js';
import { paintPreview } from './preview.js';
import { wireReorder } from './reorder.js';
import { makeTable, paintTable, sayPlace } from './rows.js';
import { makeSaver } from './saver.js';
import { apply, canPublish, initial, isClean, moved } from './state.js';

let state = initial(pageData());
const url = `/api/campaigns/${state.sheet.campaign.id}`;
const { currency } = state.sheet.campaign;
let table = null;

function dispatch(event) {
  state = apply(state, event);
  paint();
}

// -- Painting

function paint() {
  paintOffers();
  paintChecks($('#h-checks'), $('#checks'), state);
  paintPreview($('#preview'), { offers: state.sheet.offers, currency, share: state.percent, onPercent: (percent) => dispatch({ type: 'percent', percent }) });
  setText($('#saved'), savedWords());
  $('#publish').disabled = !canPublish(state);
}

function paintOffers() {
  const box = $('#offers');
  if (!state.sheet.offers.length) {
    table = null;
    box.replaceChildren(h('div.empty', {}, h('h3', {}, t('No offers yet')),
      h('p.small', {}, t('Choose what you want to sell in this campaign. You can tick many at once.')),
      h('button.btn.act', { type: 'button', onclick: () => $('#open-add').click() }, t('Add products'))));
    return;
  }
  table ??= makeTable(box);
  paintTable(table, state);
}

function savedWords() {
  const { saved_at: at, saved_by: name } = state.sheet.campaign;
  if (state.saving === 'waiting') return t('Not saved yet: no connection. We keep trying.');
  if (state.saving === 'saving') return t('Saving…');
  if (!isClean(state)) return t('One of your changes could not be saved.');
  return name ? t('Draft, saved {time} by {name}', { time: time(at), name }) : t('Draft, saved {time}', { time: time(at) });
}

// -- Saving

const RETRY_MS = 3000;

const saver = makeSaver({
  send: (job) => call(job.method, job.url, job.body ?? null, { repeat: false }),
  pause: () => new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    addEventListener('online', () => { clearTimeout(timer); resolve(); }, { once: true });
  }),
  status: (saving) => dispatch({ type: 'saving', saving }),
  done(job, sheet) {
    if (job.cell) state = apply(state, { type: 'sent', ...job.cell });
    dispatch({ type: 'sheet', sheet });
    job.after?.(sheet);
  },
  refused(job, error) {
    if (signInIfAsked(error)) return;
    if (error.code === 'frozen') location.reload();
    else if (job.refused) job.refused(error);
    else toast(error.message, { kind: 'urgent' });
    if (error.code === 'list_changed' || error.status === 404) save({ method: 'GET', url });
  },
});

let jobs = 0;
const save = (job, key = `job ${++jobs}`) => saver.put(key, job);

function saveOrder(ids) {
  dispatch({ type: 'reordered', ids });
  save({ method: 'POST', url: `${url}/order`, body: { ids } }, 'order');
}

function step(id, steps) {
  const ids = state.sheet.offers.map((offer) => offer.id);
  const next = moved(ids, id, steps);
  if (next !== ids) saveOrder(next);
  sayPlace(state.sheet.offers, id);
}

function remove(offer) {
  save({
    method: 'DELETE', url: `${url}/offers/${offer.id}`,
    after: ({ removed }) => toast(t('{name} was removed', { name: offer.title }), {
      undo: () => save({ method: 'POST', url: `${url}/offers/restore`, body: removed }), seconds: 8,
    }),
  });
}

function wireTerms() {
  const form = $('#terms');
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', ({ target }) => {
    const value = target.name === 'hold_seconds' ? Number(target.value) : target.value;
    const field = target.closest('.field');
    save({
      method: 'PATCH', url, body: { [target.name]: value },
      after: ({ campaign }) => {
        sayRefused(field, '');
        setText($('#heading'), campaign.name || t('Without a name'));
      },
      refused: (error) => sayRefused(field, (error.fields[target.name] ?? [error.message]).join(' ')),
    }, `terms ${target.name}`);
  });
}

function sayRefused(field, text) {
  field.classList.toggle('bad', Boolean(text));
  let hint = $('.hint', field);
  if (!hint && text) field.append(hint = h('span.hint', { role: 'alert' }));
  if (hint) {
    setText(hint, text);
    show(hint, Boolean(text));
  }
}

// -- Publishing and throwing away

async function publish() {
  await saver.idle();
  if (!canPublish(state)) return;
  const units = state.sheet.offers.reduce((sum, offer) => sum + offer.allotment, 0);
  const yes = await dialog.confirm({
    title: t('Publish {name}?', { name: state.sheet.campaign.name }), act: t('Publish'), stay: t('Not yet'),
    text: [tn('{n} offer is frozen as it stands.', '{n} offers are frozen as they stand.', state.sheet.offers.length),
      t('{units} units leave the stock and are set aside for this campaign.', { units: number(units) }),
      t('The terms cannot be changed afterwards.')].join(' '),
  });
  if (!yes) return;
  try {
    await call('POST', `${url}/publish`, {});
    location.reload();
  } catch (error) {
    if (signInIfAsked(error)) return;
    if (error.code === 'frozen') location.reload();
    if (error.code === 'not_ready') dispatch({ type: 'sheet', sheet: { ...state.sheet, problems: error.extra.problems } });
    toast(error.message, { kind: 'urgent' });
  }
}

async function discard() {
  const yes = await dialog.confirm({
    title: t('Throw this draft away?'), act: t('Throw it away'), danger: true,
    text: t('The campaign and its offers are gone for good. Products and stock stay as they are.'),
  });
  if (yes) $('#discard-form').submit();
}

// -- CSV

async function importFile(event) {
  event.preventDefault();
  const place = $('#imported');
  try {
    const answer = await fetch(`${url}/import`, { method: 'POST', body: new FormData(event.target), headers: { 'X-CSRFToken': csrfToken(), Accept: 'application/json' } });
    const body = await answer.json();
    if (!answer.ok) {
      place.replaceChildren(h('div.notice.urgent', {}, body.fields?.file?.join(' ') ?? body.message));
      return;
    }
    dispatch({ type: 'sheet', sheet: body });
    place.replaceChildren(h('p', {}, t('{added} added, {changed} changed, {rejected} left out', { ...body.imported, rejected: body.imported.rejected.length })),
      h('ul.rejected', {}, body.imported.rejected.map(({ line, reason }) => h('li.small', {}, t('Line {line}: {reason}', { line, reason })))));
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error; // no network, or no JSON
    place.replaceChildren(h('div.notice.urgent', {}, t('We cannot reach the shop. Please check your connection.')));
  }
}

wireCells($('#offers'), { state: () => state, dispatch, url, save, onRefused: announce });
wireReorder($('#offers'), { onMoved: (id, ids) => { saveOrder(ids); sayPlace(state.sheet.offers, id); }, onStep: step });
wireAdd({ url, currency, add: (body) => save({ method: 'POST', url: `${url}/offers`, body }) });
wireDetails({ state: () => state, url, save, step, remove });
wireTerms();
on(document, 'click', '[data-fix]', (_event, button) => save({ method: 'POST', url: `${url}/fix`, body: { code: button.dataset.fix, offer_id: button.dataset.offer || null } }));
$('#publish').addEventListener('click', publish);
$('#discard').addEventListener('click', discard);
$('#import-form').addEventListener('submit', importFile);
addEventListener('beforeunload', (event) => { if (state.saving !== 'saved') event.preventDefault(); });
paint();
