// What the control page concludes from the state. Pure; `nowMs` is the server's time. live/show/state.py says the same.

import { saleOf } from '/static/js/live/select.js';

/** Whether nothing of the show can be pressed any more. */
export const isOver = ({ show }) => show.state === 'ended' || show.state === 'cancelled';

const ms = (iso) => (iso ? Date.parse(iso) : null);

/** The big state: {name, until, offerId}; name is scheduled | rehearsal | live | sale_opening | sale_on | paused | ended | cancelled. */
export function bigState({ show, offers }, nowMs) {
  if (show.state === 'scheduled') return { name: 'scheduled', until: show.starts_at, offerId: null };
  if (show.state !== 'live' && show.state !== 'rehearsal') return { name: show.state, until: null, offerId: null };
  const flash = Object.values(offers).filter(({ stock }) => stock.mode === 'flash' && ms(stock.closes_at) > nowMs);
  const find = (kind, end) => flash.filter((offer) => saleOf(offer, nowMs) === kind)
    .sort((a, b) => (a.id !== show.on_air) - (b.id !== show.on_air) || ms(a.stock[end]) - ms(b.stock[end]))[0];
  const running = find('open', 'closes_at');
  if (running) return { name: 'sale_on', until: running.stock.closes_at, offerId: running.id };
  const coming = find('soon', 'opens_at');
  if (coming) return { name: 'sale_opening', until: coming.stock.opens_at, offerId: coming.id };
  return { name: show.state, until: null, offerId: null };
}

/** Where the run is: {at, count, aheadMs, endsMs}. Ahead of plan is positive; both null before and after the show. */
export function runAt({ show, staff }, nowMs) {
  const { run } = staff;
  const at = isOver({ show }) ? run.filter(({ ended_at: ended }) => ended).length - 1 : run.findIndex(({ started_at: began, ended_at: ended }) => began && !ended);
  const started = ms(show.started_at);
  if (started === null || at < 0 || isOver({ show })) return { at, count: run.length, aheadMs: null, endsMs: null };
  const planned = run.slice(0, at + 1).reduce((sum, item) => sum + item.minutes * 60_000, 0);
  const rest = run.slice(at + 1).reduce((sum, item) => sum + item.minutes * 60_000, 0);
  const itemLeft = Math.max(0, run[at].minutes * 60_000 - (nowMs - ms(run[at].started_at)));
  const aheadMs = started + planned - (nowMs + itemLeft);
  return { at, count: run.length, aheadMs, endsMs: nowMs + itemLeft + rest };
}

/** The offer that a flash sale is most likely wanted for next: the one on air if it is not on, else the next of the run. */
export function nextForSale({ show, offers, staff }, nowMs) {
  const can = (id) => offers[id] && offers[id].stock.mode !== 'flash' && offers[id].stock.reserve + offers[id].stock.left > 0;
  const at = staff.run.findIndex(({ id }) => id === show.item?.id);
  const queue = [show.on_air, ...staff.run.slice(at + 1).map(({ offer_id: id }) => id)];
  const found = queue.find((id) => id && can(id));
  return offers[found] ?? Object.values(offers).sort((a, b) => a.position - b.position).find(({ id }) => can(id)) ?? null;
}

/** ms until sold out at the pace of the last samples [{at, left}], or null while there is no pace. */
export function soldOutIn(samples) {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || last.at - first.at < 3000 || last.left === 0) return null;
  const rate = (first.left - last.left) / (last.at - first.at);
  return rate > 0 ? last.left / rate : null;
}

/** Bars of the chart: one a minute from the start, at most `most` of the newest. [{at, minor, isNow}] */
export function barsOf(revenue, startedAt, nowMs, most = 26) {
  const minute = (value) => Math.floor(value / 60_000) * 60_000;
  const end = minute(nowMs);
  const start = Math.max(minute(startedAt ?? nowMs), most === Infinity ? 0 : end - (most - 1) * 60_000);
  const by = new Map(revenue.map((one) => [minute(ms(one.minute)), one.minor]));
  const bars = [];
  for (let at = start; at <= end; at += 60_000) bars.push({ at, minor: by.get(at) ?? 0, isNow: at === end });
  return bars;
}

/** A round number at or above `value` whose half is round too: 1, 2, 4, 10, 20, 40, 100 … */
export function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].map((step) => step * power).find((step) => step >= value);
}
