// The run of show: where we are, what comes, dragged or moved by keys into another order.

import { $, h, icon, setAttr, setText, syncList } from '/static/js/dom.js';
import { clock, t, time } from '/static/js/i18n.js';
import { runAt } from '/static/js/control/select.js';

export function createRun(ctx, keys) {
  const list = $('#run');
  let dragged = null;
  const next = () => ctx.act('next_item');
  $('[data-do="next"]').addEventListener('click', next);
  keys.on('next', next);

  const ids = () => ctx.store.state.staff.run.map(({ id }) => id);
  async function move(id, to) {
    const order = ids();
    const from = order.indexOf(id);
    if (to < 0 || to >= order.length || to === from) return;
    order.splice(from, 1);
    order.splice(to, 0, id);
    await ctx.act('reorder', { ids: order });
    list.querySelector(`[data-key="${id}"] .grip`)?.focus();
  }
  list.addEventListener('dragstart', (event) => {
    dragged = event.target.closest('li')?.dataset.key ?? null;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', dragged ?? '');
  });
  list.addEventListener('dragover', (event) => { if (dragged) event.preventDefault(); });
  list.addEventListener('drop', (event) => {
    event.preventDefault();
    const target = event.target.closest('li')?.dataset.key;
    if (dragged && target && dragged !== target) move(dragged, ids().indexOf(target));
    dragged = null;
  });

  const make = () => {
    const grip = h('button.grip', { type: 'button', title: t('Drag, or use the arrow keys'), onkeydown: (event) => {
      const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const id = event.target.closest('li').dataset.key;
      move(id, ids().indexOf(id) + step);
    } }, icon('grip', 'sm'));
    return h('li', {}, h('span.pos'), h('span.item', {}, h('span.name.clip'), h('span.tiny.points')), h('span.num'), grip);
  };

  function paint(element, item) {
    const state = item.ended_at ? 'done' : item.started_at ? 'on' : '';
    element.className = state;
    element.draggable = !state;
    setAttr(element, 'aria-current', state === 'on' ? 'step' : null);
    const [pos, about, num, grip] = element.children;
    if (element.dataset.state !== `${state}${item.position}`) {
      element.dataset.state = `${state}${item.position}`;
      pos.replaceChildren(state === 'done' ? icon('check', 'sm') : String(item.position));
    }
    setText(about.firstElementChild, item.title);
    setText(about.lastElementChild, state === 'on' ? item.points : '');
    grip.hidden = Boolean(state);
    setAttr(grip, 'aria-label', t('Move {title}', { title: item.title }));
    setText(num, lengthOf(item, ctx.nowMs()));
  }
  return {
    paint(state) {
      syncList(list, state.staff.run, ({ id }) => id, make, paint);
      const { at, count } = runAt(state, ctx.nowMs());
      setText($('#run-at'), count ? t('{at} of {count}', { at: at + 1, count }) : '');
      $('[data-do="next"]').disabled = ctx.isBusy('next_item') || at + 1 >= count || !['live', 'paused', 'rehearsal'].includes(state.show.state);
      if (!count && !list.children.length) list.append(h('li.empty-run.small.quiet', { dataset: { key: '' } }, t('No items planned. You can still sell from "Next flash sale".')));
    },
    tick(state) {
      const { aheadMs, endsMs } = runAt(state, ctx.nowMs());
      setText($('#run-plan'), aheadMs === null ? '' : planWords(aheadMs, endsMs));
      const on = state.staff.run.find((item) => item.started_at && !item.ended_at);
      const element = on && list.querySelector(`[data-key="${on.id}"]`);
      if (element) setText(element.children[2], lengthOf(on, ctx.nowMs()));
    },
  };
}

function planWords(aheadMs, endsMs) {
  const values = { time: clock(Math.abs(aheadMs)), end: time(endsMs) };
  if (Math.abs(aheadMs) < 30_000) return t('On plan, ends about {end}', values);
  return aheadMs > 0 ? t('{time} ahead of plan, ends about {end}', values) : t('{time} behind plan, ends about {end}', values);
}

function lengthOf({ started_at: began, ended_at: ended, minutes }, nowMs) {
  if (ended && began) return clock(Date.parse(ended) - Date.parse(began));
  if (began) return t('{time} / {minutes}', { time: clock(Math.max(0, nowMs - Date.parse(began))), minutes });
  return t('{minutes} min', { minutes });
}
