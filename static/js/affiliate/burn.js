// A campaign's budget for commissions: what is known of it, and how an event changes it. Pure: no DOM, no clock.

const KEPT = 600; // points of the line; a show moves it at most twice a second

/** The state from a snapshot {campaign_id, seq, currency, amount_minor | null, spent_minor, points: [[at, spent]]}. */
export const begin = (snapshot) => ({ ...snapshot });

/** A newer snapshot takes the place of the state; an older one changes nothing. */
export const replace = (state, snapshot) => (snapshot.seq < state.seq ? state : begin(snapshot));

/** An event {seq, kind, payload}. It carries values, so a gap does no harm; numbers that were heard change nothing. */
export function apply(state, event) {
  if (event.seq <= state.seq || event.kind !== 'budget.moved') return state;
  const { amount_minor, spent_minor, at } = event.payload;
  const next = { ...state, seq: event.seq, amount_minor, spent_minor };
  if (spent_minor === state.spent_minor) return next;
  return { ...next, points: [...state.points, [Date.parse(at) / 1000, spent_minor]].slice(-KEPT) };
}

/** {left, share}: minor units that are left, and how much is used from 0 to 1; null without a budget. */
export function burn({ amount_minor, spent_minor }) {
  if (amount_minor == null) return null;
  return { left: amount_minor - spent_minor, share: amount_minor ? Math.min(1, Math.max(0, spent_minor / amount_minor)) : 1 };
}

/** The line that is drawn, [[x, y]] from 0 to 1, oldest first: what is left of the budget, or what was spent without one. */
export function line({ amount_minor, points }) {
  if (!points.length) return [];
  const first = points[0][0];
  const span = Math.max(60, points.at(-1)[0] - first);
  const most = amount_minor ?? Math.max(...points.map(([, spent]) => spent), 1);
  const height = (spent) => Math.min(1, Math.max(0, (amount_minor == null ? spent : amount_minor - spent) / (most || 1)));
  return [[0, amount_minor == null ? 0 : 1], ...points.map(([at, spent]) => [(at - first) / span, height(spent)])];
}

/** The store of a page, and what follows the budget: see budget.js and budget-card.js. */
export const streamOf = (id) => `budget:${id}`;
