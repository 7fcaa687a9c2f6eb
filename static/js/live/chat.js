// Chat: at most 200 lines, appended without repainting the rest, followed unless the reader scrolled up.

import { $, h, setText, show } from '/static/js/dom.js';
import { t, tn } from '/static/js/i18n.js';
import { ApiError, newKey, signInUrl } from '/static/js/api.js';
import { NotAnswered } from '/static/js/live/socket.js';
import { withMessage } from '/static/js/live/state.js';

// Within 40 px of the end counts as reading along.
const NEAR_PX = 40;

/** `root` is the page; `ctx` has store, getLine, isLive. */
export function createChat(root, ctx) {
  const box = $('#lines', root);
  const fresh = $('#fresh', root);
  const kept = new Map(); // id → element
  const pending = new Map(); // key → {element, body}
  let unseen = 0;
  let last = null;

  let reading = true; // whether the reader is at the end; known from scrolling, so that painting measures nothing
  const toEnd = () => {
    box.scrollTop = box.scrollHeight;
    reading = true;
    unseen = 0;
    show(fresh, false);
  };
  fresh.addEventListener('click', toEnd);
  box.addEventListener('scroll', () => {
    reading = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (unseen && reading) toEnd();
  }, { passive: true });
  // The card below takes room from the chat or gives it back.
  new ResizeObserver(() => { if (reading) toEnd(); }).observe(box);

  function sync(lines, me) {
    const wanted = new Set(lines.map(({ id }) => id));
    for (const [id, element] of kept) {
      if (wanted.has(id)) continue;
      element.remove();
      kept.delete(id);
    }
    let added = 0;
    let place = box.firstElementChild;
    for (const line of lines) {
      let element = kept.get(line.id);
      if (!element) {
        element = chatLine(line, me);
        kept.set(line.id, element);
        box.insertBefore(element, place);
        added += 1;
      } else place = element.nextElementSibling;
    }
    for (const { element } of pending.values()) box.append(element);
    return added;
  }

  return {
    toEnd,
    paint(state) {
      paintAround(root, state);
      if (state.chat === last) return;
      last = state.chat;
      const added = sync(state.chat, state.me);
      if (!added) return;
      if (reading) toEnd();
      else {
        unseen += added;
        setText(fresh.lastElementChild, tn('{n} new message', '{n} new messages', unseen));
        show(fresh, true);
      }
    },
    /** A line of one's own that is on its way; `gone()` takes it away again. */
    pend(key, body, name) {
      const element = h('p.line.pending', {}, h('b', {}, name), ' ', h('span', {}, body));
      pending.set(key, { element });
      box.append(element);
      toEnd();
      return () => {
        element.remove();
        pending.delete(key);
      };
    },
  };

  function paintAround(page, { show: live }) {
    setText($('#slow', page), live.slow_seconds ? t('one message per {n} s', { n: live.slow_seconds }) : '');
    const notice = $('#notice', page);
    show(notice, Boolean(live.notice));
    setText(notice.lastElementChild, live.notice ?? '');
  }
}

function chatLine(line, me) {
  const isMine = Boolean(line.mine || (me?.by && me.by === line.by));
  const element = h(`p.line${line.role ? '.host' : ''}${isMine ? '.own' : ''}`, {}, h('b', {}, line.name));
  if (line.role === 'host') element.append(h('span.chip.money', {}, t('Host')));
  else if (line.role) element.append(h('span.chip', {}, t('Assistant')));
  element.append(' ', h('span', {}, line.body));
  return element;
}

/** The form under the chat: one's own lines, slow mode, and who may not speak. */
export function createSay(root, ctx, chat) {
  const form = $('#say-form', root);
  const field = $('#say', root);
  const error = $('#say-error', root);
  let freeAt = 0;
  let timer = null;

  const complain = (text) => {
    show(error, Boolean(text));
    setText(error, text);
  };
  const countDown = () => {
    clearTimeout(timer);
    const left = Math.ceil((freeAt - performance.now()) / 1000);
    if (left <= 0) return complain('');
    complain(tn('You can write again in {n} second.', 'You can write again in {n} seconds.', left));
    timer = setTimeout(countDown, 250);
  };

  async function send(body) {
    const { state } = ctx.store;
    const key = newKey();
    const gone = chat.pend(key, body, state.me.name);
    field.value = '';
    complain('');
    try {
      const answer = await say(ctx, { live_id: state.show.id, key, body });
      gone();
      ctx.store.update(withMessage, answer.message);
    } catch (failure) {
      gone();
      field.value = field.value || body;
      if (failure.code === 'too_many' && failure.retryMs) {
        freeAt = performance.now() + failure.retryMs;
        countDown();
      } else complain(failure.message);
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const body = field.value.trim();
    if (!body) return;
    if (!ctx.store.state.me) location.assign(signInUrl(''));
    else if (!ctx.isLive()) complain(t('You are not connected. Your message was not sent.'));
    else if (freeAt > performance.now()) countDown();
    else send(body);
  });
  return {
    paint(state) {
      const silent = state.me?.muted;
      field.disabled = Boolean(silent);
      field.placeholder = silent ? t('The host has muted you in this show') : state.me ? t('Say something') : t('Sign in to chat');
    },
  };
}

async function say(ctx, data) {
  let answer;
  try {
    answer = await ctx.getLine().request('chat', data);
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    // The same key once more, if there is a line again: it is said once.
    await new Promise((resolve) => { setTimeout(resolve, 800); });
    answer = await ctx.getLine().request('chat', data).catch(() => null);
    if (!answer) throw new ApiError({ code: 'network', message: t('Your message may not have arrived. Please look before you send it again.') });
  }
  if (!answer.ok) throw new ApiError(answer);
  return answer;
}
