// Hearts: counted, not listed. Presses are joined for 300 ms; what is shown is a small burst, never more than 14.

import { $, $$, h, icon, on } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { NotAnswered } from '/static/js/live/socket.js';

const JOIN_MS = 300;
const MOST_AT_ONCE = 14;
// The server takes 1 to 20 in one event.
const MOST_IN_EVENT = 20;

export function createHearts(root, ctx) {
  const place = $('#hearts', root);
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  let waiting = 0;
  let timer = null;
  let shown = null;
  let own = 0;

  function burst(count, isOwn) {
    if (still.matches || document.visibilityState !== 'visible') return;
    for (let i = 0; i < Math.min(count, MOST_AT_ONCE - place.childElementCount); i += 1) {
      const heart = h(`span.heart${isOwn ? '.own' : ''}`, { vars: { '--x': `${Math.round(Math.random() * 44 - 22)}px`, '--wait': `${i * 90}ms` } }, icon('heart', 'solid'));
      heart.addEventListener('animationend', () => heart.remove());
      place.append(heart);
    }
  }

  function send() {
    timer = null;
    const count = Math.min(waiting, MOST_IN_EVENT);
    waiting = 0;
    own += count;
    ctx.getLine().request('react', { live_id: ctx.store.state.show.id, count })
      .catch((error) => { if (!(error instanceof NotAnswered)) throw error; });
  }

  on(root, 'click', '[data-react]', () => {
    if (!ctx.isLive()) return;
    waiting += 1;
    burst(1, true);
    timer ??= setTimeout(send, JOIN_MS);
  });

  return {
    paint({ counters: { reactions = 0 } }) {
      if (reactions === shown) return;
      // Hearts of others float too, a few of them; one's own were shown when they were given.
      const others = shown === null ? 0 : Math.max(0, reactions - shown - own);
      own = 0;
      shown = reactions;
      burst(Math.min(3, others), false);
      for (const button of $$('[data-react]', root)) button.setAttribute('aria-label', t('Send a heart, {n} so far', { n: number(reactions) }));
    },
  };
}
