// What the host points at, in the time of the picture: pins and the big card wait until the viewer's own frame gets
// there. Pure. Whether something can be bought, how many are left and what it costs stay on the server's time.

// What belongs to the picture; everything else of a show (its state, its times) is as it is.
const IN_PICTURE = ['pins', 'on_air', 'item', 'item_position', 'next', 'notice'];
// A viewer who is farther behind than this is not waiting for a frame: the picture has stopped.
const LONGEST_WAIT_MS = 15_000;
const KEPT = 50;

const part = (show) => Object.fromEntries(IN_PICTURE.map((name) => [name, show[name]]));

/** `first` is the show of the first snapshot. Entries: [{at, rev, part}], oldest first. */
export const start = (first) => [{ at: -Infinity, rev: first.rev, part: part(first) }];

/** A change of the show, said at `at` (server ms). What is already known changes nothing. */
export function heard(timeline, show, at) {
  if (show.rev <= timeline.at(-1).rev) return timeline;
  return [...timeline, { at, rev: show.rev, part: part(show) }].slice(-KEPT);
}

/** A snapshot brought a show that nobody told of: its moment is unknown, so it is shown at once. */
export const caughtUp = (timeline, show) => (show.rev > timeline.at(-1).rev ? [...timeline, { at: -Infinity, rev: show.rev, part: part(show) }].slice(-KEPT) : timeline);

/**
 * The entry to show when the picture is at `pictureMs` (null: no picture, or none whose time is known) and the server's
 * clock at `nowMs`. An offer that can be bought is never kept back: its card waits for no picture.
 */
export function shown(timeline, pictureMs, nowMs, isOnSale = () => false) {
  const newest = timeline.at(-1);
  if (pictureMs === null || nowMs - pictureMs > LONGEST_WAIT_MS) return newest;
  let entry = timeline[0];
  for (const next of timeline) {
    const isNew = next.part.on_air !== entry.part.on_air;
    if (next.at > pictureMs && nowMs - next.at < LONGEST_WAIT_MS && !(isNew && next.part.on_air && isOnSale(next.part.on_air))) break;
    entry = next;
  }
  return entry;
}

/** The state with the show as this viewer's picture has it. */
export const inTime = (state, entry) => (entry.rev >= state.show.rev ? state : { ...state, show: { ...state.show, ...entry.part } });

/** When the next entry is due in the picture, or null. */
export const nextDue = (timeline, entry) => timeline[timeline.indexOf(entry) + 1]?.at ?? null;
