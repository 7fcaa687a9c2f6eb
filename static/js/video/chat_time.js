// Chat in the time of the picture: a line waits until the viewer's own frame gets to the moment at which it was said.
// Pure. `waiting` is {id: when it was said (server ms)}; what is not in it is shown.

// Whoever is farther behind is not waiting for a frame: the picture has stopped, and a talk must not stop with it.
export const LONGEST_WAIT_MS = 15_000;

export const NOTHING = Object.freeze({});

/** A line was said at `at`. One's own is shown at once, and so is one whose moment is not known. */
export function heard(waiting, { id, at, isMine = false }) {
  if (isMine || !Number.isFinite(at) || waiting[id] !== undefined) return waiting;
  return { ...waiting, [id]: at };
}

/** The same without what is due: the picture is there, there is none (null), or it has waited long enough. */
export function due(waiting, pictureMs, nowMs) {
  const left = Object.entries(waiting).filter(([, at]) => pictureMs !== null && at > pictureMs && nowMs - at < LONGEST_WAIT_MS);
  if (left.length === Object.keys(waiting).length) return waiting;
  return left.length ? Object.fromEntries(left) : NOTHING;
}

/** The lines that do not wait, in their order; the very same list when none does. */
export const shown = (lines, waiting) => (lines.some(({ id }) => waiting[id] !== undefined) ? lines.filter(({ id }) => waiting[id] === undefined) : lines);
