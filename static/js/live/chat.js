// Chat: at most 200 lines, appended without repainting the rest, followed unless the reader scrolled up.

import { $, h, setText, show } from '/static/js/dom.js';
import { t, tn } from '/static/js/i18n.js';
import { ApiError, newKey, signInUrl } from '/static/js/api.js';
import { askAgain } from '/static/js/live/socket.js';
import { withMessage } from '/static/js/live/state.js';

// Within 40 px of the end counts as reading along.
const NEAR_PX = 40;

/** The lines and what stands around them. `root` is the page. */
export const createChat = (root) => new Chat(root);

class Chat {
  #kept = new Map(); // id → element
  #pending = new Map(); // key → element
  #unseen = 0;
  #last = null;
  #isReading = true; // whether the reader is at the end; known from scrolling, so that painting measures nothing

  constructor(root) {
    this.root = root;
    this.box = $('#lines', root);
    this.fresh = $('#fresh', root);
    this.fresh.addEventListener('click', () => this.toEnd());
    this.box.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    // The card below takes room from the chat or gives it back.
    new ResizeObserver(() => { if (this.#isReading) this.toEnd(); }).observe(this.box);
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.#isReading = true;
    this.#unseen = 0;
    show(this.fresh, false);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    this.#isReading = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#unseen && this.#isReading) this.toEnd();
  }

  paint(state) {
    this.#paintAround(state.show);
    if (state.chat === this.#last) return;
    this.#last = state.chat;
    const added = this.#sync(state.chat, state.me);
    if (!added) return;
    if (this.#isReading) this.toEnd();
    else {
      this.#unseen += added;
      setText(this.fresh.lastElementChild, tn('{n} new message', '{n} new messages', this.#unseen));
      show(this.fresh, true);
    }
  }

  /** Bring the box to match the lines, touching only those that came or went; how many came. */
  #sync(lines, me) {
    const wanted = new Set(lines.map(({ id }) => id));
    for (const [id, element] of this.#kept) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#kept.delete(id);
    }
    let added = 0;
    let place = this.box.firstElementChild;
    for (const line of lines) {
      const element = this.#kept.get(line.id);
      if (element) {
        place = element.nextElementSibling;
        continue;
      }
      const fresh = chatLine(line, me);
      this.#kept.set(line.id, fresh);
      this.box.insertBefore(fresh, place);
      added += 1;
    }
    for (const element of this.#pending.values()) this.box.append(element);
    return added;
  }

  #paintAround({ slow_seconds: slow, notice: words }) {
    setText($('#slow', this.root), slow ? t('one message per {n} s', { n: slow }) : '');
    const notice = $('#notice', this.root);
    show(notice, Boolean(words));
    setText(notice.lastElementChild, words ?? '');
  }

  /** A line of one's own that is on its way; what it gives takes the line away again. */
  pend(key, body, name) {
    const element = h('p.line.pending', {}, h('b', {}, name), ' ', h('span', {}, body));
    this.#pending.set(key, element);
    this.box.append(element);
    this.toEnd();
    return () => {
      element.remove();
      this.#pending.delete(key);
    };
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
export const createSay = (root, ctx, chat) => new Say(root, ctx, chat);

class Say {
  #freeAt = 0;
  #timer = null;

  constructor(root, ctx, chat) {
    Object.assign(this, { ctx, chat, field: $('#say', root), error: $('#say-error', root) });
    $('#say-form', root).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(this.field.value.trim());
    });
  }

  paint({ me }) {
    this.field.disabled = Boolean(me?.muted);
    this.field.placeholder = me?.muted ? t('The host has muted you in this show') : me ? t('Say something') : t('Sign in to chat');
  }

  #submit(body) {
    if (!body) return;
    if (!this.ctx.store.state.me) location.assign(signInUrl(''));
    else if (!this.ctx.isLive()) this.#complain(t('You are not connected. Your message was not sent.'));
    else if (this.#freeAt > performance.now()) this.#countDown();
    else this.#send(body);
  }

  async #send(body) {
    const { store } = this.ctx;
    const key = newKey();
    const gone = this.chat.pend(key, body, store.state.me.name);
    this.field.value = '';
    this.#complain('');
    try {
      const answer = await say(this.ctx, { live_id: store.state.show.id, key, body });
      gone();
      store.update(withMessage, answer.message);
    } catch (error) {
      gone();
      this.#refused(error, body);
    }
  }

  #refused(error, body) {
    if (!(error instanceof ApiError)) throw error;
    this.field.value = this.field.value || body;
    if (error.code === 'too_many' && error.retryMs) {
      this.#freeAt = performance.now() + error.retryMs;
      this.#countDown();
    } else this.#complain(error.message);
  }

  #complain(text) {
    show(this.error, Boolean(text));
    setText(this.error, text);
  }

  #countDown() {
    clearTimeout(this.#timer);
    const left = Math.ceil((this.#freeAt - performance.now()) / 1000);
    if (left <= 0) {
      this.#complain('');
      return;
    }
    this.#complain(tn('You can write again in {n} second.', 'You can write again in {n} seconds.', left));
    this.#timer = setTimeout(() => this.#countDown(), 250);
  }
}

async function say(ctx, data) {
  const answer = await askAgain(ctx.getLine, 'chat', data);
  if (!answer) throw new ApiError({ code: 'network', message: t('Your message may not have arrived. Please look before you send it again.') });
  if (!answer.ok) throw new ApiError(answer);
  return answer;
}
