// The big card: the offer on air, and where the member stands with it. Two shapes: `now` (the counter) and `mine`
// (reserved, paying, paid, in line). A shape is built once for an offer and then only brought up to date.

import { h, icon, setText, show } from '/static/js/dom.js';
import { number, t, time, tn } from '/static/js/i18n.js';
import { countdownOf, mayTake, onAir } from '/static/js/live/select.js';
import { countdown, picture, pricePair, setButton, settling, stockBlock } from '/static/js/live/parts.js';
import { countWords, saleName, termsOf } from '/static/js/live/words.js';
import { MINE } from '/static/js/live/mine.js';

/** `ctx` is what watch.js hands to every part of the page. */
export function createCard(place, ctx) {
  let shape = null;
  let shapeKey = '';
  const rests = settling(ctx.store.repaint);
  const change = (key, build) => {
    if (key === shapeKey) return;
    const had = place.contains(document.activeElement);
    shapeKey = key;
    shape = build();
    place.replaceChildren(shape.element);
    // Who pressed a button that is gone goes on with the button that came in its place.
    if (had) place.querySelector('button:not([disabled]), a.btn')?.focus({ preventScroll: true });
  };
  return {
    paint(state) {
      const offer = onAir(state);
      if (!offer) {
        change(`none:${state.show.item?.id ?? ''}`, () => emptyCard(state));
        return;
      }
      const view = ctx.phase(state, offer);
      const build = MINE[view.phase] ?? counterCard;
      change(`${offer.id}:${build.name}`, () => build(offer, state, ctx));
      shape.paint(offer, state, view, rests(shapeKey));
    },
  };
}

function emptyCard(state) {
  const title = state.show.item?.title;
  const element = h('div.now.bare-counter', {}, h('h2', {}, title ?? t('Nothing on the counter yet')),
    h('p.small.quiet', {}, t('What the host puts on sale appears here, with its price and how many are left.')));
  return { element, paint() {} };
}

function counterCard(offer, state, ctx) {
  const flash = h('span.flash');
  const count = countdown('', { spare: true });
  const cost = pricePair(offer, state.show.currency);
  const button = h('button.btn.go', { type: 'button', onclick: () => ctx.press(offer.id) });
  const stock = stockBlock(offer, state.show.currency, '');
  const terms = h('ul.terms');
  const words = h('p.refusal', { role: 'alert', hidden: true });
  const thumb = picture(offer, '.lg');
  const element = h('div.now', {}, h('div.head', {}, flash, count.element), thumb, h('h2', {}, offer.title),
    h('div.pay', {}, cost.nodes), button, words, stock.element, terms);
  return {
    element,
    paint(next, now, view) {
      const live = ctx.isLive();
      paintHead(flash, count, next, view, live);
      cost.paint(next);
      paintButton(button, view, live);
      stock.paint(next, live ? heldWords(next, view) : t('as of {time}', { time: time(ctx.asOf(), 'seconds') }));
      show(stock.element, next.stock.mode !== 'closed' || next.stock.left + next.stock.held > 0);
      paintTerms(terms, termsOf(next, now, mayTake(now, next)));
      thumb.classList.toggle('faded', view.phase === 'soldout');
      paintRefusal(words, now.acts[next.id]);
    },
  };
}

function paintHead(flash, count, offer, view, live) {
  const name = live ? saleName(view.phase, offer) : { text: t('Paused'), icon: 'wifi-off', kind: 'off' };
  if (flash.dataset.face !== name.text) {
    flash.dataset.face = name.text;
    flash.className = `flash ${name.kind}`;
    flash.replaceChildren(...[name.icon && icon(name.icon, name.icon === 'bolt' ? 'sm solid' : 'sm'), h('span', {}, name.text)].filter(Boolean));
  }
  const until = countdownOf(offer, view);
  if (live) count.paint(until, countWords(view.phase), view.phase === 'soon' ? 0 : 30);
  else count.paint(null, '');
  show(count.element, live ? Boolean(until) : offer.stock.mode === 'flash');
}

function paintButton(button, view, live) {
  if (!live) {
    setButton(button, { text: t('Waiting'), busy: true, disabled: true });
    return;
  }
  const faces = {
    idle: { text: t('Buy'), kind: 'buy' },
    reserving: { text: t('Reserving'), busy: true, disabled: true },
    joining: { text: t('Joining'), busy: true, disabled: true },
    soldout: { text: t('Join the line') },
    limit: { text: t('All yours'), disabled: true },
    soon: { text: t('Soon'), disabled: true },
    over: { text: t('Over'), disabled: true },
    closed: { text: t('Not yet'), disabled: true },
  };
  setButton(button, faces[view.phase] ?? faces.idle);
}

function heldWords(offer, { phase }) {
  const { held, waiting } = offer.stock;
  if (phase === 'soldout' && waiting > 0) return t('{n} in line', { n: number(waiting) });
  return held > 0 ? tn('{n} held in a basket', '{n} held in baskets', held) : '';
}

function paintTerms(list, terms) {
  const key = terms.map(([, text]) => text).join('|');
  if (list.dataset.face === key) return;
  list.dataset.face = key;
  list.replaceChildren(...terms.map(([name, text]) => h('li', {}, icon(name), h('span', {}, text))));
}

function paintRefusal(element, act) {
  const error = act?.step === 'refused' ? act.error : null;
  show(element, Boolean(error));
  setText(element, error?.message ?? '');
}
