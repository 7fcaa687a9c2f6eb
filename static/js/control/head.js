// The head: one big state, one clock, the move that comes next, and whether the line can be trusted.

import { $, h, icon, setText, show } from '/static/js/dom.js';
import { clock, number, t, time } from '/static/js/i18n.js';
import { confirm } from '/static/js/ui/dialog.js';
import { bigState, isOver } from '/static/js/control/select.js';

const words = () => ({
  scheduled: t('Scheduled'), rehearsal: t('Rehearsal'), live: t('On air'), sale_opening: t('Sale opening'),
  sale_on: t('Sale on'), paused: t('Paused'), ended: t('Ended'), cancelled: t('Called off'),
});

/** `endWord` must be typed to end the show. */
export function createHead(ctx, keys, endWord) {
  const box = $('#state');
  const moves = $('#moves');
  let shown = '';

  const button = (text, iconName, deed, { cls = '', key = '' } = {}) => h(`button.btn${cls}`, { type: 'button', onclick: deed }, icon(iconName), text, key && h('span.key', { dataset: { keyOf: key } }, keys.keyOf(key)));
  const goLive = async () => { if (await confirm({ title: t('Go on air?'), text: t('Viewers see the show from now on. Sales open when you start them.'), act: t('Go on air') })) ctx.act('go_live'); };
  const end = async () => {
    const kept = h('input', { type: 'checkbox' });
    const text = h('div.stack', {}, h('p', {}, t('Flash sales stop, reservations may still be paid. This cannot be undone.')), h('label.choice', {}, kept, h('span', {}, t('Keep what is on the shelf on sale after the show'))));
    if (await confirm({ title: t('End the show?'), text, act: t('End the show'), word: endWord })) ctx.act('end', { word: endWord, keep_shelf: kept.checked });
  };
  const pause = () => ctx.act(ctx.store.state.show.state === 'paused' ? 'resume' : 'pause');
  keys.on('pause', () => { if (['live', 'paused'].includes(ctx.store.state.show.state)) pause(); });

  const sets = {
    scheduled: () => [button(t('Rehearse'), 'play', () => ctx.act('rehearse')), button(t('Go on air'), 'video', goLive, { cls: '.act' })],
    rehearsal: () => [button(t('End rehearsal'), 'stop', () => ctx.act('end_rehearsal'), { cls: '.act' })],
    live: () => [button(t('Pause'), 'pause', pause, { key: 'pause' }), ctx.may('end') && button(t('End show'), 'stop', end, { cls: '.danger' })],
    paused: () => [button(t('Go on'), 'play', pause, { cls: '.act', key: 'pause' }), ctx.may('end') && button(t('End show'), 'stop', end, { cls: '.danger' })],
    ended: () => [h('a.btn.act', { href: `/studio/shows/${ctx.liveId}/report` }, icon('chart'), t('See the report'))],
  };

  function paintMoves(state) {
    if (state === shown) return;
    shown = state;
    moves.replaceChildren(...(sets[state]?.() ?? []).filter(Boolean));
    keys.paint();
  }

  return {
    paint(state) {
      const big = bigState(state, ctx.nowMs());
      const isPlay = state.show.state === 'rehearsal';
      document.body.classList.toggle('over', isOver(state));
      box.dataset.name = isPlay ? 'rehearsal' : big.name;
      // A rehearsal must never look like the real thing, whatever is being played.
      setText($('[data-word]', box), isPlay && big.name !== 'rehearsal' ? t('Rehearsal: {state}', { state: words()[big.name] }) : words()[big.name] ?? big.name);
      paintMoves(state.show.state);
      paintLine(ctx, state);
      const { here = [] } = state.staff.figures ?? {};
      setText($('#here span'), hereWords(here.filter((name) => name !== state.me.name)));
    },
    tick(state) {
      const now = ctx.nowMs();
      const { started_at: started, starts_at: starts, ended_at: ended } = state.show;
      const since = started && Date.parse(started);
      setText($('[data-clock]', box), since ? clock(Math.max(0, (ended ? Date.parse(ended) : now) - since)) : clock(Math.max(0, Date.parse(starts) - now)));
      setText($('[data-since]', box), since ? t('since {time}', { time: time(since) }) : t('until {time}', { time: time(starts) }));
      const lag = ctx.clock.lag();
      const late = lag !== null && lag > 1500;
      $('#lag i').classList.toggle('bad', late);
      setText($('#lag span'), lag === null ? t('Lag –') : t('Lag {ms} ms', { ms: number(Math.round(lag)) }));
    },
  };
}

function hereWords(others) {
  if (!others.length) return t('Only you are here');
  if (others.length === 1) return t('{name} is here too', { name: others[0] });
  return t('{names} and {last} are here too', { names: others.slice(0, -1).join(', '), last: others.at(-1) });
}

function paintLine(ctx, state) {
  const box = $('#line-state');
  const text = { reconnecting: t('Reconnecting. What you see may be old.'), offline: t('Offline. Nothing you press reaches the show.') }[ctx.status()];
  const said = text ?? (state.delayed ? t('Updates are delayed. Selling goes on.') : '');
  show(box, Boolean(said));
  setText(box.lastElementChild, said);
}
