// Chat with moderation: delete, mute, ban, slow mode, blocked words, the pinned message.

import { $, h, icon, on, setAttr, setText, show, syncList } from '/static/js/dom.js';
import { number, t } from '/static/js/i18n.js';
import { ApiError, newKey } from '/static/js/api.js';
import { open } from '/static/js/ui/dialog.js';
import { askAgain } from '/static/js/live/socket.js';
import { withMessage } from '/static/js/live/state.js';
import { ask } from '/static/js/control/air.js';

const SLOW_SECONDS = 5;
const NEAR_PX = 60;

export function createTalk(ctx, keys) {
  const list = $('#lines');
  const slow = $('#slow');
  let reading = true;
  list.addEventListener('scroll', () => { reading = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX; }, { passive: true });

  const deeds = (id, flagged) => h('span.acts', {},
    flagged && h('button.btn', { type: 'button', onclick: () => ctx.act('restore_message', { message_id: id }) }, icon('check', 'sm'), t('Show')),
    h('button.btn', { type: 'button', onclick: () => ctx.act('remove_message', { message_id: id }) }, icon('trash', 'sm'), t('Delete')),
    h('button.btn', { type: 'button', onclick: () => ctx.act('mute', { message_id: id }) }, icon('mute', 'sm'), t('Mute')),
    h('button.btn.danger', { type: 'button', onclick: () => ctx.act('ban', { message_id: id }) }, icon('ban', 'sm'), t('Ban')));

  function make(line) {
    const cls = line.flagged ? '.flagged' : line.role ? '.host' : '';
    const words = [h('b', {}, line.name), ' ', h('span', {}, line.body)];
    if (line.flagged) return h(`li${cls}`, {}, h('span.tiny', {}, t('Blocked word, only staff see this')), words, deeds(line.id, true));
    const more = !line.role && ctx.may('moderate') && h('button.btn.bare.only.more', { type: 'button', 'aria-expanded': 'false', 'aria-label': t('Moderate the message of {name}', { name: line.name }) }, icon('more', 'sm'));
    return h(`li${cls}`, {}, words, more);
  }
  on(list, 'click', '.more', (_event, button) => {
    const li = button.closest('li');
    const there = li.querySelector('.acts');
    setAttr(button, 'aria-expanded', String(!there));
    if (there) there.remove();
    else li.append(deeds(Number(li.dataset.key), false));
  });

  slow.addEventListener('click', () => ctx.act('slow', { seconds: ctx.store.state.show.slow_seconds >= SLOW_SECONDS ? 0 : SLOW_SECONDS }));
  const editNotice = () => ask({ title: t('Pinned message'), label: t('Message'), value: ctx.store.state.show.notice ?? '', act: t('Pin it'), hint: t('Everybody sees it above the chat. Empty takes it away.'), save: (text) => { ctx.act('notice', { text }); return null; } });
  for (const id of ['#notice', '#edit-notice']) $(id).addEventListener('click', editNotice);
  keys.on('notice', editNotice);
  $('#edit-words').addEventListener('click', () => ask({ title: t('Blocked words'), label: t('One on each line'), long: true, maxLength: 4000, value: (ctx.store.state.staff.blocked_words ?? []).join('\n'), act: t('Keep'), hint: t('Messages with one of them are held back: only you and their author see them.'),
    save: (text) => { ctx.act('blocked_words', { words: text.split('\n').map((word) => word.trim()).filter(Boolean) }); return null; } }));
  $('#edit-banned').addEventListener('click', () => sanctions(ctx));

  const field = $('#say');
  $('#say-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = field.value.trim();
    if (!body) return;
    field.value = '';
    try {
      const answer = await askAgain(ctx.getLine, 'chat', { live_id: ctx.liveId, key: newKey(), body });
      if (answer?.ok) return ctx.store.update(withMessage, answer.message);
      ctx.said(answer?.message ?? t('You are not connected. Your message was not sent.'), 'urgent');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      ctx.said(t('You are not connected. Your message was not sent.'), 'urgent');
    }
    field.value = field.value || body;
  });

  return {
    paint(state) {
      const { show: live } = state;
      const flagged = (state.staff.flagged ?? []).map((line) => ({ ...line, flagged: true }));
      const held = new Set(flagged.map(({ id }) => id));
      const lines = [...state.chat.filter(({ id }) => !held.has(id)), ...flagged].sort((a, b) => a.id - b.id);
      syncList(list, lines, (line) => `${line.id}${line.flagged ? '!' : ''}`, make);
      if (reading) list.scrollTop = list.scrollHeight;
      setAttr(slow, 'aria-checked', String(live.slow_seconds >= SLOW_SECONDS));
      setText(slow, live.slow_seconds ? t('Slow, {n} s', { n: number(live.slow_seconds) }) : t('Slow mode'));
      show($('#notice'), Boolean(live.notice));
      setText($('#notice').lastElementChild, live.notice ?? '');
    },
  };
}

function sanctions(ctx) {
  const { sanctions: rows = [] } = ctx.store.state.staff;
  const items = rows.map((one) => h('li.split', {}, h('span.clip', {}, h('b', {}, one.name), ' ', h('span.tiny.quiet', {}, one.kind === 'ban' ? t('banned') : t('muted'))),
    h('button.btn', { type: 'button', onclick: async () => { dialog.close(); await ctx.act(one.kind === 'ban' ? 'unban' : 'unmute', { member_id: one.member_id }); } }, one.kind === 'ban' ? t('Let back in') : t('Let write again'))));
  const dialog = h('dialog.sheet', { 'aria-labelledby': 'sanctions-title' },
    h('div.top', {}, h('h2', { id: 'sanctions-title' }, t('Muted and banned')), h('button.btn.bare.only', { type: 'button', 'aria-label': t('Close'), onclick: () => dialog.close() }, icon('close'))),
    items.length ? h('ul.stack', {}, items) : h('p.small.quiet', {}, t('Nobody is muted or banned.')));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  open(dialog);
}
