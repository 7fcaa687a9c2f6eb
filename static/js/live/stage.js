// Around the film: who sells, how long it runs, how many watch, what comes next, and whether what is shown is still true.

import { $, h, icon, setAttr, setText, show } from '/static/js/dom.js';
import { clock, number, t, time } from '/static/js/i18n.js';
import { isOn, saleOf } from '/static/js/live/select.js';

export function createStage(root, ctx) {
  const chip = $('#on-chip', root);
  const follow = $('[data-follow]', root);
  const upnext = $('#upnext', root);
  follow?.addEventListener('click', () => ctx.follow());
  $('[data-next-remind]', upnext).addEventListener('click', () => ctx.remindOf(ctx.store.state.show.next?.offer_id));

  return {
    paint(state) {
      const { show: live, counters } = state;
      setText($('#show-title', root), live.title);
      setText($('#viewers', root), number(counters.viewers ?? 0));
      show($('#viewers', root).parentElement, counters.viewers > 0);
      paintChip(chip, live);
      paintCurtain($('#curtain', root), live);
      paintStale(root, state, ctx);
      paintNext(upnext, state, ctx);
      if (follow) paintFollow(follow, Boolean(state.me?.following));
    },
    /** Once a second: how long the show has been on. */
    tick(state) {
      const from = state.show.started_at;
      setText($('#since', root), from && isOn(state.show) ? clock(Math.max(0, ctx.nowMs() - Date.parse(from))) : '');
    },
  };
}

function paintNext(upnext, state, ctx) {
  const { next } = state.show;
  const isShown = Boolean(next) && isOn(state.show);
  show(upnext, isShown);
  if (!isShown) return;
  const offer = state.offers[next.offer_id];
  const image = $('img', upnext);
  show(image, Boolean(offer));
  if (offer && image.getAttribute('src') !== offer.picture) image.src = offer.picture;
  setText($('[data-next-when]', upnext), Date.parse(next.about) > ctx.nowMs() ? t('Next, about {time}', { time: time(next.about) }) : t('Next'));
  setText($('[data-next-title]', upnext), offer?.title ?? next.title);
  const button = $('[data-next-remind]', upnext);
  const isSet = state.reminded.has(next.offer_id);
  show(button, Boolean(offer) && saleOf(offer, ctx.nowMs()) === 'closed');
  if (button.getAttribute('aria-pressed') === String(isSet)) return;
  setAttr(button, 'aria-pressed', String(isSet));
  button.replaceChildren(icon(isSet ? 'check' : 'bell'), h('span', {}, isSet ? t('We will tell you') : t('Remind me')));
}

function paintChip(chip, live) {
  const faces = { live: t('LIVE'), paused: t('PAUSED'), rehearsal: t('REHEARSAL'), ended: t('OVER') };
  setText(chip, faces[live.state] ?? t('SOON'));
  chip.classList.toggle('live', live.state === 'live');
}

function paintCurtain(curtain, live) {
  show(curtain, live.state === 'paused' || live.state === 'ended');
  setText($('[data-curtain-title]', curtain), live.state === 'ended' ? t('The show is over') : t('A short break'));
  setText($('[data-curtain-text]', curtain), live.state === 'ended' ? t('One moment, we clear the counter.') : t('The host will be right back. What is on the counter stays on sale.'));
}

function paintStale(root, state, ctx) {
  const box = $('#stale', root);
  const status = ctx.status();
  const isCut = status === 'reconnecting' || status === 'offline';
  show(box, isCut || state.delayed || state.signedOut);
  if (box.hidden) return;
  show($('[data-stale-spin]', box), status !== 'offline' && !state.signedOut);
  show(box.querySelector('svg'), status === 'offline');
  const [title, text] = staleWords(state, status, ctx.asOf());
  setText($('[data-stale-title]', box), title);
  setText($('[data-stale-text]', box), text);
}

function staleWords(state, status, asOf) {
  const when = { time: time(asOf, 'seconds') };
  if (state.signedOut) return [t('You were signed out'), t('Load the page again to go on watching.')];
  if (status === 'offline') return [t('You are offline'), t('Prices and stock are as of {time}. Buying waits until you are back.', when)];
  if (status === 'reconnecting') return [t('Reconnecting'), t('Prices and stock are as of {time}. Buying waits until we are back.', when)];
  return [t('Updates are delayed'), t('You can go on buying. What others do appears a little later.')];
}

export function paintFollow(button, isOn_) {
  if (button.getAttribute('aria-pressed') === String(isOn_)) return;
  setAttr(button, 'aria-pressed', String(isOn_));
  setText(button, isOn_ ? t('Following') : t('Follow'));
}
