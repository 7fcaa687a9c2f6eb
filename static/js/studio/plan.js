// The plan page: what is typed is kept in one state, painted from it, and saved a moment later.

import { post } from '/static/js/api.js';
import { wireReorder } from '/static/js/campaigns/reorder.js';
import { $, $$, announce, h, icon, pageData, setText, show, syncList } from '/static/js/dom.js';
import { t, time, tn } from '/static/js/i18n.js';
import * as plan from '/static/js/studio/plan_state.js';
import { localText, toMoment } from '/static/js/studio/when.js';
import { toast } from '/static/js/ui/toast.js';

// Long enough to finish a word, short enough that nothing is lost by leaving.
const SAVE_AFTER_MS = 700;
const data = pageData();
const about = $('#about');
const editable = Boolean($('#add-line'));
let state = plan.start({ ...data, assistants: $$('[name="assistants"]:checked', about).map(({ value }) => value) });
let timer = null;
let saving = false;
let dirty = false;

// -- Painting -------------------------------------------------------------------------------------------------------

const body = h('tbody');
$('#run').replaceChildren(h('table', {}, body), h('div.empty', { id: 'no-lines' }, h('p.title', {}, t('The run of show is empty')), h('p.small', {}, t('Add a line for each product and for what you say before and after.'))));

function paint() {
  syncList(body, state.items, (item) => item.key, makeLine, paintLine);
  show($('#no-lines'), !state.items.length);
  show(body.parentElement, Boolean(state.items.length));
  setText($('#length'), state.items.length ? tn('{n} minute', '{n} minutes', plan.minutesOf(state)) : '');
  setText($('#heading'), state.title || t('Without a title'));
}

function field(label, control, cls = '') {
  control.id = `f-${Math.random().toString(36).slice(2)}`;
  return h(`div.field${cls}`, {}, h('label', { htmlFor: control.id }, label), control);
}

function makeLine(item) {
  const edit = (values) => act(plan.changeLine(state, item.key, values));
  const offers = h('select.input', { disabled: !editable, onchange: (event) => act(plan.chooseOffer(state, item.key, event.target.value, data.offers)) },
    h('option', { value: '' }, t('No product')), data.offers.map(({ id, title }) => h('option', { value: id }, title)));
  const title = h('input.input', { maxLength: 120, disabled: !editable, oninput: (event) => edit({ title: event.target.value }) });
  const minutes = h('input.input.num', { type: 'number', min: 1, max: 600, inputMode: 'numeric', disabled: !editable, oninput: (event) => edit({ minutes: Math.trunc(Number(event.target.value)) }) });
  const points = h('textarea.input', { rows: 1, maxLength: 2000, disabled: !editable, oninput: (event) => edit({ points: event.target.value }) });
  return h('tr', { dataset: { line: '' } },
    h('td', {}, h('button.grip', { type: 'button', dataset: { grip: '' }, hidden: !editable }, icon('grip')), h('span.pos')),
    h('td.what-cell', {}, h('div.what', {}, field(t('Product'), offers), field(t('Title'), title), field(t('Talking points'), points, '.points'))),
    h('td.minutes', {}, field(t('Minutes'), minutes), h('span.at')),
    h('td', {}, editable && h('button.btn.bare.only.remove', { type: 'button', onclick: () => remove(item.key) }, icon('trash'))));
}

function paintLine(row, item) {
  const [handle, what, minutes, end] = row.children;
  const begun = Boolean(item.started_at);
  row.classList.toggle('begun', begun);
  row.classList.toggle('on', begun && !item.ended_at);
  setText(handle.querySelector('.pos'), state.items.indexOf(item) + 1);
  const grip = handle.querySelector('.grip');
  grip.classList.toggle('off', begun);
  grip.setAttribute('aria-label', t('Move {title}', { title: item.title }));
  setValue(what.querySelector('select'), item.offer_id ?? '');
  setValue(what.querySelector('input'), item.title);
  setValue(minutes.querySelector('input'), item.minutes || '');
  setValue(what.querySelector('textarea'), item.points);
  setText(minutes.querySelector('.at'), t('from {time}', { time: time(plan.begins(state)[item.key]) }));
  const button = end.querySelector('button');
  if (button) {
    button.hidden = begun;
    button.setAttribute('aria-label', t('Remove {title}', { title: item.title || t('this line') }));
  }
}

function setValue(control, value) {
  if (control !== document.activeElement && control.value !== String(value)) control.value = value;
}

// -- Acts -----------------------------------------------------------------------------------------------------------

function act(next) {
  state = next;
  paint();
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER_MS);
}

function remove(key) {
  const place = state.items.findIndex((item) => item.key === key);
  const item = state.items[place];
  act(plan.removeLine(state, key));
  toast(t('{title} was removed', { title: item.title || t('The line') }), { undo: () => act(plan.restoreLine(state, item, place)) });
}

function wire() {
  $('#add-line').addEventListener('click', () => {
    act(plan.addLine(state, data.offers));
    body.lastElementChild.querySelector('select').focus();
  });
  wireReorder(body, {
    onMoved: (_key, keys) => act(plan.reorder(state, keys)),
    onStep: (key, steps) => {
      act(plan.moveLine(state, key, steps));
      body.querySelector(`[data-key="${key}"] .grip`)?.focus();
      announce(t('Now at place {n}', { n: state.items.findIndex((item) => item.key === key) + 1 }));
    },
  });
  about.addEventListener('input', readAbout);
  about.addEventListener('submit', (event) => { event.preventDefault(); save(); });
  addEventListener('beforeunload', (event) => { if (dirty || saving) event.preventDefault(); });
}

function readAbout() {
  const { title, description, starts_local: start, host_id: host } = about.elements;
  act(plan.change(state, {
    title: title.value.trim(), description: description.value, host_id: host.value,
    starts_at: toMoment(start.value) ?? state.starts_at,
    assistants: $$('[name="assistants"]:checked', about).map(({ value }) => value),
  }));
}

// -- Saving ---------------------------------------------------------------------------------------------------------

async function save() {
  clearTimeout(timer);
  if (saving) return;
  saving = true;
  const keys = state.items.map(({ key }) => key);
  dirty = false;
  setText($('#saved'), t('Saving'));
  try {
    const answer = await post(`/api/shows/${data.id}`, plan.body(state));
    state = plan.saved(state, keys, answer.run);
    mark({});
    setText($('#saved'), t('Saved at {time}', { time: time(Date.now()) }));
  } catch (error) {
    refused(error);
  } finally {
    saving = false;
  }
  if (dirty) timer = setTimeout(save, SAVE_AFTER_MS);
}

function refused(error) {
  if (!error.isUnknown && !error.status) throw error;
  setText($('#saved'), error.isUnknown ? t('No connection. We try again.') : t('Not saved: {why}', { why: error.message }));
  mark(error.fields ?? {});
  if (error.isUnknown) {
    dirty = true;
    timer = setTimeout(save, 3000);
  }
}

/** Say at each field what is wrong with it. */
function mark(fields) {
  for (const old of $$('.field.bad')) {
    old.classList.remove('bad');
    old.querySelector('.said')?.remove();
    old.querySelector('.input')?.removeAttribute('aria-invalid');
  }
  for (const [name, texts] of Object.entries(fields)) {
    const control = controlOf(name.split('.'));
    if (!control) continue;
    control.setAttribute('aria-invalid', 'true');
    const box = control.closest('.field');
    box.classList.add('bad');
    box.append(h('span.hint.said', { role: 'alert' }, texts.join(' ')));
  }
}

function controlOf([name, place, part]) {
  if (name !== 'items') return about.elements[name === 'starts_at' ? 'starts_local' : name];
  const row = body.children[Number(place)];
  return row?.querySelector({ minutes: '.minutes input', points: '.points textarea', offer_id: 'select' }[part] ?? '.what input');
}

about.elements.starts_local.value = localText(state.starts_at);
paint();
if (editable) wire();
