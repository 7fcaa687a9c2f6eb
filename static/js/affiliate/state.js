// What the earnings page knows, and how an event changes it. Pure: no DOM, no clock of its own.

const KEPT = 20;

/** The state from a snapshot of the server. `fresh` are ids that came by an event; `plus` is the last change. */
export function begin(snapshot) {
  return { ...snapshot, fresh: [], plus: null, stale: false };
}

/** A newer snapshot takes the place of the state; one that is older than what was heard is asked for again. */
export function replace(state, snapshot) {
  if (snapshot.seq < state.seq) return { ...state, stale: true };
  return { ...begin(snapshot), fresh: state.fresh, plus: state.plus };
}

/** An event {seq, kind, payload} of one's own stream. Numbers that were heard change nothing; a gap makes it stale. */
export function apply(state, event) {
  if (event.seq <= state.seq) return state;
  const next = { ...state, seq: event.seq, stale: state.stale || event.seq > state.seq + 1 };
  if (event.kind === 'affiliate.totals') return { ...next, totals: event.payload.totals };
  if (event.kind === 'commission.changed') return change(next, event.payload);
  return next;
}

const left = (line) => line.amount_minor - line.reversed_minor;

function change(state, line) {
  const old = state.lines.find(({ id }) => id === line.id);
  if (!old && !isNew(state, line)) return { ...state, stale: true };
  const lines = old
    ? state.lines.map((one) => (one.id === line.id ? { ...line, picture: one.picture } : one))
    : [{ ...line, picture: '' }, ...state.lines].slice(0, KEPT);
  const delta = left(line) - (old ? left(old) : 0);
  const known = state.lines.some((one) => one.order_number === line.order_number);
  const fresh = old ? state.fresh : [...state.fresh, line.id].slice(-KEPT);
  const next = { ...state, lines, fresh, shows: showsWith(state.shows, line, delta, old || known ? 0 : 1) };
  if (line.currency !== state.currency) return next;
  return { ...next, hours: hoursWith(state.hours, line, old, delta), plus: delta ? { minor: delta } : state.plus };
}

// Ids are in the order of time: a line that is not on the page and is older than its last one is among those not shown.
const isNew = (state, line) => state.lines.length < KEPT || line.id > state.lines.at(-1).id;

const showsWith = (shows, line, delta, orders) => shows.map((show) => (show.campaign_id === line.campaign_id && show.currency === line.currency
  ? { ...show, earned_minor: show.earned_minor + delta, orders: show.orders + orders } : show));

const isDone = (line) => line.state === 'mature' || line.state === 'settled';

function hoursWith(hours, line, old, delta) {
  // What was on hold and is payable now moves in the next snapshot; here only sums of the same kind change.
  if (!delta || (old && isDone(old) !== isDone(line))) return hours;
  const at = Math.floor(Date.parse(line.created_at) / 3_600_000) * 3600;
  const [done, hold] = isDone(line) ? [delta, 0] : [0, delta];
  if (!hours.some(([hour]) => hour === at)) return [...hours, [at, done, hold]].sort((a, b) => a[0] - b[0]);
  return hours.map(([hour, a, b]) => (hour === at ? [hour, a + done, b + hold] : [hour, a, b]));
}

/** Where the money of the shown currency is: minor units. The server's affiliates/portal/words.py says the same. */
export function flow({ totals, currency }) {
  const one = totals.find((row) => row.currency === currency) ?? { earned: 0, mature: 0, payable: 0, paid: 0 };
  const moved = one.payable + one.paid + (one.on_the_way ?? 0);
  return { earned: one.earned, hold: one.earned - one.mature, payable: one.payable, paid: one.paid, waits: one.mature - moved };
}

/** The figure at the top: of the shows on air, else of all that was earned. */
export function headline(state) {
  const shows = state.shows.filter(({ currency }) => currency === state.currency);
  if (!state.shows.length) return { minor: flow(state).earned, isLive: false };
  const sum = (name) => state.shows.reduce((total, show) => total + show[name], 0);
  return { minor: shows.reduce((total, show) => total + show.earned_minor, 0), isLive: true, orders: sum('orders'), visits: sum('visits'), title: state.shows[0].title };
}

/** Bars of the chart, a day each in the viewer's zone, the last one today: [{at, done, hold}] with `at` in ms. */
export function days(hours, count, nowMs) {
  const start = (ms) => new Date(ms).setHours(0, 0, 0, 0);
  const bars = [];
  for (let n = count - 1; n >= 0; n -= 1) {
    const day = new Date(nowMs);
    day.setDate(day.getDate() - n);
    bars.push({ at: start(day.getTime()), done: 0, hold: 0 });
  }
  const byDay = new Map(bars.map((bar) => [bar.at, bar]));
  for (const [hour, done, hold] of hours) {
    const bar = byDay.get(start(hour * 1000));
    if (bar) Object.assign(bar, { done: bar.done + done, hold: bar.hold + hold });
  }
  return bars;
}
