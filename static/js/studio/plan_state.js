// The plan of a show as one object, and how a person's acts change it. Pure: no DOM, no clock, no network.

export const MINUTES = 5;

let made = 0;

/** From the server's data; every line gets a key that lasts while the page is open. */
export const start = (data) => ({
  title: data.title, description: data.description, starts_at: data.starts_at, host_id: data.host_id,
  assistants: data.assistants, items: data.run.map(withKey),
});

const withKey = (item) => ({ ...item, key: item.id ?? `new-${(made += 1)}` });

export const change = (state, values) => ({ ...state, ...values });

export const changeLine = (state, key, values) => ({ ...state, items: state.items.map((item) => (item.key === key ? { ...item, ...values } : item)) });

/** A line at the end; it takes the first offer that is not in the run yet. */
export function addLine(state, offers) {
  const used = new Set(state.items.map(({ offer_id: id }) => id));
  const offer = offers.find(({ id }) => !used.has(id)) ?? null;
  const line = withKey({ id: null, offer_id: offer?.id ?? null, title: offer?.title ?? '', minutes: MINUTES, points: '', started_at: null, ended_at: null });
  return { ...state, items: [...state.items, line] };
}

export const removeLine = (state, key) => ({ ...state, items: state.items.filter((item) => item.key !== key) });

/** Put a removed line back where it was. What was saved as gone is a new line. */
export function restoreLine(state, item, place) {
  const items = [...state.items];
  items.splice(Math.min(place, items.length), 0, { ...item, id: null });
  return { ...state, items };
}

/** What was on air stays where it is: nothing moves above the last line that has begun. */
export const firstFree = (items) => items.reduce((place, item, i) => (item.started_at ? i + 1 : place), 0);

export function moveLine(state, key, steps) {
  const from = state.items.findIndex((item) => item.key === key);
  return reorder(state, moved(state.items.map((item) => item.key), from, Math.max(firstFree(state.items), from + steps)));
}

function moved(keys, from, to) {
  const rest = keys.filter((_key, i) => i !== from);
  rest.splice(Math.max(0, Math.min(to, rest.length)), 0, keys[from]);
  return rest;
}

/** The lines in the order of these keys, what has begun first and as it was. */
export function reorder(state, keys) {
  const begun = state.items.slice(0, firstFree(state.items));
  const still = new Set(begun.map(({ key }) => key));
  const rest = keys.filter((key) => !still.has(key)).map((key) => state.items.find((item) => item.key === key));
  return { ...state, items: [...begun, ...rest] };
}

/** An offer gives its line its title, unless the person wrote another one. */
export function chooseOffer(state, key, offerId, offers) {
  const item = state.items.find((one) => one.key === key);
  const titles = new Set(offers.map(({ title }) => title));
  const own = item.title && !titles.has(item.title);
  const offer = offers.find(({ id }) => id === offerId);
  return changeLine(state, key, { offer_id: offerId || null, title: own ? item.title : offer?.title ?? '' });
}

export const minutesOf = (state) => state.items.reduce((sum, { minutes }) => sum + (minutes || 0), 0);

/** When each line begins by plan, in ms: {key: ms}. */
export function begins(state) {
  let at = Date.parse(state.starts_at);
  const moments = {};
  for (const { key, minutes } of state.items) {
    moments[key] = at;
    at += (minutes || 0) * 60_000;
  }
  return moments;
}

/** What is sent. */
export const body = ({ title, description, starts_at: startsAt, host_id: host, assistants, items }) => ({
  title, description, starts_at: startsAt, host_id: host, assistants,
  items: items.map(({ id, offer_id: offer, title: name, minutes, points }) => ({ id, offer_id: offer, title: name, minutes, points })),
});

/** Ids that the server gave to new lines, in the order in which they were sent. */
export function saved(state, sentKeys, run) {
  const ids = new Map(sentKeys.map((key, i) => [key, run[i]?.id ?? null]));
  return { ...state, items: state.items.map((item) => (ids.get(item.key) ? { ...item, id: ids.get(item.key) } : item)) };
}
