// The film on the live page: the player, its words and buttons, and the page's state in the picture's time.

import { $, setText, show } from '/static/js/dom.js';
import { isOn, saleOf } from '/static/js/live/select.js';
import * as chatTime from '/static/js/video/chat_time.js';
import { FastChoice } from '/static/js/video/fast.js';
import { createFilmMenu } from '/static/js/video/menu.js';
import { createFilmButtons, createPlayer, filmWords } from '/static/js/video/player.js';
import * as timeline from '/static/js/video/timeline.js';

/** Gives {paint, inTime(state)}; `repaint()` paints the page when a frame brings something new. */
export function createFilm(root, ctx, repaint) {
  const stage = $('.stage', root);
  const words = $('#film-words', root);
  let entries = timeline.start(ctx.store.state.show);
  let now = entries[0];
  let waiting = chatTime.NOTHING;
  const player = createPlayer(stage, { liveId: ctx.liveId, film: ctx.store.state.film, onChange: () => part.paint(ctx.store.state), fast: new FastChoice() });
  const buttons = createFilmButtons(stage, player);
  const menu = createFilmMenu(stage, player, () => {
    lookAtChat();
    repaint();
  });
  stage.dataset.film = 'poster';
  // For tests and the bench: the moment that is seen, in server time.
  globalThis.pictureMs = () => player.pictureMs();

  addEventListener('show-events', ({ detail }) => {
    for (const { kind, payload, at } of detail) {
      if (kind === 'show.changed') entries = timeline.heard(entries, payload, Date.parse(at));
      else if (kind === 'chat.said' && menu.chosen.chatInTime) waiting = chatTime.heard(waiting, said(payload.message, at));
    }
  });

  function said({ id, mine, by }, at) {
    const { me } = ctx.store.state;
    return { id, at: Date.parse(at), isMine: Boolean(mine || (me?.by && me.by === by)) };
  }

  /** Whether lines that waited for the picture are due. */
  function lookAtChat() {
    const before = waiting;
    waiting = menu.chosen.chatInTime ? chatTime.due(waiting, player.pictureMs(), ctx.nowMs()) : chatTime.NOTHING;
    return waiting !== before;
  }

  // The same list as long as nothing of it changed: the chat paints what is new.
  const shown = { of: null, waiting: null, lines: null };
  function linesOf(chat) {
    if (shown.of !== chat || shown.waiting !== waiting) Object.assign(shown, { of: chat, waiting, lines: chatTime.shown(chat, waiting) });
    return shown.lines;
  }

  function look() {
    const { state } = ctx.store;
    entries = timeline.caughtUp(entries, state.show);
    const onSale = (id) => state.offers[id] && saleOf(state.offers[id], ctx.nowMs()) !== 'closed';
    const next = timeline.shown(entries, player.pictureMs(), ctx.nowMs(), onSale);
    if (next === now) return false;
    now = next;
    document.documentElement.dataset.pictureRev = String(now.rev);
    return true;
  }
  // Frames come 12 to 60 times a second; a pin may be 50 ms off without anybody seeing it.
  setInterval(() => {
    const isDue = player.state === 'playing' && timeline.nextDue(entries, now) !== null && look();
    if ((waiting !== chatTime.NOTHING && lookAtChat()) || isDue) repaint();
  }, 40);

  const part = {
    player,
    /** The state as this viewer's picture has it. */
    inTime(state) {
      look();
      const seen = timeline.inTime(state, now);
      const chat = linesOf(seen.chat);
      return chat === seen.chat ? seen : { ...seen, chat };
    },
    paint(state) {
      if (state.film) player.hear(state.film);
      buttons.paint();
      menu.paint();
      const text = isOn(state.show) ? filmWords(player, state.show.state) : '';
      show(words, Boolean(text));
      setText(words.lastElementChild, text);
      // A break is a break: nobody is to see or hear the host meanwhile.
      const isBreak = state.show.state === 'paused';
      stage.classList.toggle('on-break', isBreak);
      player.hold(isBreak);
      if (isBreak && !player.video.paused) player.video.pause();
      else if (!isBreak && player.video.paused && player.state !== 'poster' && player.video.readyState > 0) player.video.play().catch(() => {});
    },
  };
  player.ask();
  return part;
}
