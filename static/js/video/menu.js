// The film's menu: which of two pictures is played, whether it is the fast one (fast.js), and whether the chat waits for
// the picture. All are kept here, in this browser.

import { $, $$, on, setAttr, setText, show } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';

const KEPT = 'livestall.film';

/** What was chosen before: {quality: "auto" | "best" | "small", chatInTime}. */
export function choices(storage = localStorage) {
  const known = { quality: 'auto', chatInTime: false };
  try {
    return { ...known, ...JSON.parse(storage.getItem(KEPT) ?? '{}') };
  } catch {
    return known;
  }
}

/** What a picture is called: its short side, as "720p"; without one, in words. Pure. */
export const nameOf = (side, fallback) => (side > 0 ? `${side}p` : fallback);

/** `changed(choices)` is called when something was chosen. Gives {paint}. */
export function createFilmMenu(stage, player, changed) {
  const menu = $('#film-menu', stage);
  const chosen = choices();
  player.wish(chosen.quality);
  const keep = (change) => {
    Object.assign(chosen, change);
    localStorage.setItem(KEPT, JSON.stringify(chosen));
    player.wish(chosen.quality);
    changed(chosen);
    paint();
  };
  on(menu, 'click', '[data-quality]', (_event, { dataset: { quality } }) => keep({ quality }));
  const fast = $('#film-fast', menu);
  $('button', fast).addEventListener('click', () => {
    player.fast.isWanted = !player.fast.isWanted;
    player.ask();
    paint();
  });
  $('#chat-in-time', menu).addEventListener('click', () => keep({ chatInTime: !chosen.chatInTime }));

  function paint() {
    const { qualities } = player;
    show(menu, player.state === 'playing' || player.state === 'lost');
    show($('#film-quality', menu), qualities.length > 1);
    for (const button of $$('[data-quality]', menu)) setAttr(button, 'aria-pressed', String(button.dataset.quality === chosen.quality));
    setText($('[data-quality=best]', menu), nameOf(qualities[0] ?? 0, t('Full')));
    setText($('[data-quality=small]', menu), nameOf(qualities.at(-1) ?? 0, t('Small')));
    show(fast, player.canFast);
    setAttr($('button', fast), 'aria-checked', String(Boolean(player.fast?.isWanted)));
    setText(fast.lastElementChild, fastWords(player));
    setAttr($('#chat-in-time', menu), 'aria-checked', String(chosen.chatInTime));
  }
  return { paint, chosen };
}

function fastWords({ fast, isFast }) {
  if (!fast?.isWanted) return t('Less than a second late, where the usual picture is two or three. It needs a steady line.');
  return isFast ? t('You see the fast picture.') : t('Your line is not steady enough now: the usual picture plays, and the fast one is tried again.');
}
