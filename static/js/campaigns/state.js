// The editor's state: the server's sheet, and what was typed and is not saved yet. Pure: apply(state, event) → state.

/** A state from the sheet that the server put into the page. */
export const initial = (sheet) => ({ sheet, edits: {}, saving: 'saved', percent: 85 });

export const cellKey = (offerId, field) => `${offerId}.${field}`;

/**
 * Events: sheet {sheet} · edited {id, field, text, error?} · sent {id, field, text} (the server has it) ·
 * refused {id, field, message} · reverted {id, field} · saving {saving} · percent {percent} · reordered {ids}.
 * Others change nothing (and are painted).
 */
export function apply(state, event) {
  const change = CHANGES[event.type];
  return change ? change(state, event) : state;
}

const withEdit = (state, { id, field }, edit) => ({ ...state, edits: { ...state.edits, [cellKey(id, field)]: edit } });

function without(state, key) {
  if (!(key in state.edits)) return state;
  const { [key]: _gone, ...edits } = state.edits;
  return { ...state, edits };
}

const CHANGES = {
  sheet(state, { sheet }) {
    // Cells of offers that are gone have nothing to be saved into.
    const ids = new Set(sheet.offers.map((offer) => offer.id));
    const edits = Object.fromEntries(Object.entries(state.edits).filter(([key]) => ids.has(key.split('.')[0])));
    return { ...state, sheet, edits };
  },
  edited: (state, event) => withEdit(state, event, { text: event.text, error: event.error ?? '' }),
  // What was typed on while the older text was on its way stays.
  sent: (state, event) => (state.edits[cellKey(event.id, event.field)]?.text === event.text
    ? without(state, cellKey(event.id, event.field)) : state),
  refused(state, event) {
    const edit = state.edits[cellKey(event.id, event.field)];
    return withEdit(state, event, { text: edit?.text ?? event.text ?? '', error: event.message });
  },
  reverted: (state, event) => without(state, cellKey(event.id, event.field)),
  saving: (state, { saving }) => (state.saving === saving ? state : { ...state, saving }),
  percent: (state, { percent }) => ({ ...state, percent }),
  reordered(state, { ids }) {
    const byId = new Map(state.sheet.offers.map((offer) => [offer.id, offer]));
    if (ids.length !== byId.size || !ids.every((id) => byId.has(id))) return state;
    return { ...state, sheet: { ...state.sheet, offers: ids.map((id) => byId.get(id)) } };
  },
};

/** The first problem of an offer that the row says, the stopping ones first. */
export function problemOf(state, offerId) {
  const mine = state.sheet.problems.filter((problem) => problem.offer_id === offerId);
  return mine.find((problem) => problem.stops) ?? mine[0] ?? null;
}

export const stops = (state) => state.sheet.problems.filter((problem) => problem.stops);
export const warnings = (state) => state.sheet.problems.filter((problem) => !problem.stops);

/** Whether everything typed has reached the server and was taken. */
export const isClean = (state) => state.saving === 'saved' && Object.keys(state.edits).length === 0;
export const canPublish = (state) => isClean(state) && stops(state).length === 0;

/** An order of ids with one moved by `steps` places, kept inside the list. */
export function moved(ids, id, steps) {
  const from = ids.indexOf(id);
  const to = Math.min(ids.length - 1, Math.max(0, from + steps));
  if (from < 0 || to === from) return ids;
  const rest = ids.filter((each) => each !== id);
  return [...rest.slice(0, to), id, ...rest.slice(to)];
}
