// Holds the state of a page and paints it: however many events come, at most once a frame.

/** `paint(state)` runs before the next frame after a change; `changed(state, before)` at once, for effects. */
export function createStore(initial, { paint, changed = () => {}, frame = nextFrame }) {
  let state = initial;
  let due = false;
  const run = () => {
    due = false;
    paint(state);
  };
  const schedule = () => {
    if (due) return;
    due = true;
    frame(run);
  };
  return {
    get state() {
      return state;
    },
    /** Replace the state by `reduce(state, …args)`. */
    update(reduce, ...args) {
      const before = state;
      state = reduce(state, ...args);
      if (state === before) return;
      schedule();
      changed(state, before);
    },
    /** Paint although nothing of the state changed (time passed, a sheet opened). */
    repaint: schedule,
  };
}

// A page in the background gets no frames, but its title and statuses should still follow.
function nextFrame(run) {
  if (document.visibilityState === 'visible') requestAnimationFrame(run);
  else setTimeout(run, 250);
}
