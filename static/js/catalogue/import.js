// An import at work: its progress, then the page that shows what came of it.

import { $, setText } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { follow, paintProgress } from '/static/js/ui/progress.js';

/** The page was made for one step; it is over when the import is in another. */
export const isOver = (state, begun) => state.state !== begun;

const work = document.getElementById('import-work');
if (work) {
  const begun = work.dataset.state;
  follow(work.dataset.url, {
    isOver: (state) => isOver(state, begun),
    paint: (state) => {
      paintProgress($('.progress', work), { done: state.progress, total: state.total });
      setText($('#import-count', work), t('{done} of {total}', { done: number(state.progress), total: number(state.total) }));
      if (isOver(state, begun)) location.reload();
    },
  });
}
