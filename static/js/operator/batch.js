// A batch whose payouts are on their way: when one of them moves, the page shows it.

import { follow } from '/static/js/ui/progress.js';

/** The page is behind as soon as the batch stands differently from what it shows. */
export const isBehind = (state, shown) => state.stamp !== shown;

const work = globalThis.document?.getElementById('batch-work');
if (work) {
  follow(work.dataset.url, {
    isOver: (state) => isBehind(state, work.dataset.stamp),
    paint: (state) => {
      if (isBehind(state, work.dataset.stamp)) location.reload();
    },
  });
}
