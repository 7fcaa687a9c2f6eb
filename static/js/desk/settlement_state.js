// What a settlement's page knows of its run, and how news changes it. Pure.

/** The state from the page's data. `shown` is how the server drew it: when it no longer fits, the page is fetched anew. */
export const begin = (run) => ({ run, seq: 0, shown: face(run) });

/** What decides what the page is made of: not the figures, which are painted. "open" and "running" look alike. */
const face = ({ state, failed }) => `${state === 'open' ? 'running' : state}:${failed}`;

/** The answer to the join: the newest run as it is now, and the number up to which that holds. */
export function joined(state, { seq, run }) {
  if (run?.run_id !== state.run.run_id) return { ...state, seq };
  return { ...state, seq, run };
}

/** An event {seq, kind, payload} of the campaign. It carries the whole progress, so only older news is left out. */
export function apply(state, event) {
  if (event.seq <= state.seq) return state;
  const next = { ...state, seq: event.seq };
  if (event.kind !== 'settlement.changed' || event.payload.run_id !== state.run.run_id) return next;
  return { ...next, run: event.payload };
}

/** Whether the page has to be drawn by the server again. */
export const isOutdated = (state) => face(state.run) !== state.shown;
