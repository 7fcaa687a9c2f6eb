// Before the show: the clock, the reminder, live numbers; turns into the show by itself.

import { $, $$, h, icon, on, pageData, setAttr, setText, show } from '/static/js/dom.js';
import { number, t, time, tn } from '/static/js/i18n.js';
import { setPrice } from '/static/js/ui/price.js';
import { openShow } from '/static/js/live/page.js';
import { lineState } from '/static/js/live/status.js';
import { isOn } from '/static/js/live/select.js';
import { pieces } from '/static/js/live/words.js';

// Everybody waits for the same instant: the crowd comes in over 3 s instead of at once.
const TURN_MS = 3000;
const DAY_S = 86_400;

const page = pageData();
let turning = false;
let reminders = page.reminder_count;
const ctx = openShow(page.snapshot, { paint });

function paint(state) {
  turnIfOn(state);
  paintReminder(Boolean(state.me?.reminder));
  for (const line of $$('[data-offer]')) paintOffer(line, state.offers[line.dataset.offer], state.show.currency);
  setText($('h1'), state.show.title);
  lineState($('#line-state'), ctx);
  const clock = $('#clock');
  if (clock && clock.dataset.starts !== state.show.starts_at) {
    clock.dataset.starts = state.show.starts_at;
    sayStart(state.show.starts_at);
  }
}

function turnIfOn({ show: live }) {
  const wasOff = page.snapshot.show.state === 'cancelled';
  if (turning || !(isOn(live) || live.state === 'ended' || (live.state === 'cancelled') !== wasOff)) return;
  turning = true;
  setTimeout(() => location.reload(), Math.random() * (isOn(live) ? TURN_MS : 0));
}

function paintOffer(line, offer, currency) {
  if (!offer) return;
  const { left, reserve, price_minor: price } = offer.stock;
  const each = offer.limit === 1 ? t('one each') : t('up to {n} each', { n: number(offer.limit) });
  setText($('.facts', line), t('{pieces}, {each}', { pieces: pieces(left + reserve), each }));
  setPrice($('.price', line), price, currency);
}

function paintReminder(isSet) {
  const button = $('[data-remind]');
  if (!button || button.getAttribute('aria-pressed') === String(isSet)) return;
  setAttr(button, 'aria-pressed', String(isSet));
  button.replaceChildren(icon(isSet ? 'check' : 'bell'), h('span', {}, isSet ? t('Reminder on') : t('Remind me')));
}

/** Days, hours and minutes while it is far; hours, minutes and seconds on the last day. */
function tick() {
  const clock = $('#clock');
  if (!clock) return;
  const left = Math.max(0, Math.ceil((Date.parse(clock.dataset.starts) - ctx.nowMs()) / 1000));
  const two = (value) => String(value).padStart(2, '0');
  const days = Math.floor(left / DAY_S);
  for (const part of $$('[data-days]', clock)) show(part, days > 0);
  for (const part of $$('[data-seconds]', clock)) show(part, days === 0);
  setText($('[data-days] b', clock), number(days));
  setText($('[data-hours]', clock), two(Math.floor(left / 3600) % 24));
  setText($('[data-minutes]', clock), two(Math.floor(left / 60) % 60));
  setText($('[data-seconds] b', clock), two(left % 60));
  setAttr(clock, 'aria-label', left ? t('Starts {when}', { when: time(clock.dataset.starts, 'datetime') }) : t('Starts now'));
  show(clock, left > 0);
  show($('#clock-over'), left === 0);
}

function sayStart(iso) {
  setText($('#starts'), t('{day}, {time} your time', { day: time(iso, 'long'), time: time(iso) }));
}

on(document, 'click', '[data-remind]', async () => {
  const answer = await ctx.remind();
  if (!answer) return;
  const { reminder } = ctx.store.state.me;
  reminders = answer.count ?? Math.max(0, reminders + (reminder ? 1 : -1));
  setText($('#reminders'), reminders ? tn('{n} person has asked to be reminded.', '{n} people have asked to be reminded.', reminders) : '');
  ctx.said(reminder ? t('We will write to you when it starts.') : t('The reminder is off.'));
});
on(document, 'click', '[data-share]', () => ctx.share());
$('#see-all')?.addEventListener('click', (event) => {
  for (const line of $$('[data-offer]')) show(line, true);
  event.currentTarget.remove();
});

if ($('#clock')) sayStart(page.snapshot.show.starts_at);
paint(ctx.store.state);
tick();
setInterval(tick, 1000);
