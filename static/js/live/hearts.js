// Hearts: counted, not listed. Presses are joined for 300 ms; what is shown is a small burst, never more than 14.

import { $, $$, h, icon, on, setAttr } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { NotAnswered } from '/static/js/live/socket.js';

const JOIN_MS = 300;
const MOST_AT_ONCE = 14;
// The server takes 1 to 20 in one event.
const MOST_IN_EVENT = 20;

export const createHearts = (root, ctx) => new Hearts(root, ctx);

class Hearts {
  #waiting = 0;
  #timer = null;
  #shown = null;
  #own = 0; // sent and not yet in the count that comes back

  constructor(root, ctx) {
    Object.assign(this, { root, ctx, place: $('#hearts', root), still: matchMedia('(prefers-reduced-motion: reduce)') });
    on(root, 'click', '[data-react]', () => this.#press());
  }

  #press() {
    if (!this.ctx.isLive()) return;
    this.#waiting += 1;
    this.#burst(1, true);
    this.#timer ??= setTimeout(() => this.#send(), JOIN_MS);
  }

  #send() {
    this.#timer = null;
    const count = Math.min(this.#waiting, MOST_IN_EVENT);
    this.#waiting = 0;
    this.#own += count;
    this.ctx.getLine().request('react', { live_id: this.ctx.store.state.show.id, count })
      .catch((error) => { if (!(error instanceof NotAnswered)) throw error; });
  }

  #burst(count, isOwn) {
    if (this.still.matches || document.visibilityState !== 'visible') return;
    for (let i = 0; i < Math.min(count, MOST_AT_ONCE - this.place.childElementCount); i += 1) {
      const vars = { '--x': `${Math.round(Math.random() * 44 - 22)}px`, '--wait': `${i * 90}ms` };
      const heart = h(`span.heart${isOwn ? '.own' : ''}`, { vars }, icon('heart', 'solid'));
      heart.addEventListener('animationend', () => heart.remove());
      this.place.append(heart);
    }
  }

  paint({ counters: { reactions = 0 } }) {
    if (reactions === this.#shown) return;
    // Hearts of others float too, a few of them; one's own were shown when they were given.
    const others = this.#shown === null ? 0 : Math.max(0, reactions - this.#shown - this.#own);
    this.#own = 0;
    this.#shown = reactions;
    this.#burst(Math.min(3, others), false);
    for (const button of $$('[data-react]', this.root)) setAttr(button, 'aria-label', t('Send a heart, {n} so far', { n: number(reactions) }));
  }
}
