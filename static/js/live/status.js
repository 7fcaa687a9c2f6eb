// One line that says whether what a quiet page shows (waiting, ended) is still true.

import { setText, show } from '/static/js/dom.js';
import { t, time } from '/static/js/i18n.js';

export function lineState(element, ctx) {
  if (!element) return;
  const status = ctx.status();
  const words = {
    offline: () => t('You are offline. This page is as of {time}.', { time: time(ctx.asOf(), 'seconds') }),
    reconnecting: () => t('Reconnecting. This page is as of {time}.', { time: time(ctx.asOf(), 'seconds') }),
  }[status];
  show(element, Boolean(words));
  if (words) setText(element, words());
}
