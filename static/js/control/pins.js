// Pins: up to three products that viewers see first.

import { $, h, icon, syncList, setAttr } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { isOver } from '/static/js/control/select.js';
import { choose } from '/static/js/control/launch.js';

const MOST = 3;

export function createPins(ctx, keys) {
  const list = $('#pins');
  const canPin = () => ctx.store.state.show.pins.length < MOST;
  keys.on('pin', () => { const id = ctx.store.state.show.on_air; if (id && canPin() && !ctx.store.state.show.pins.includes(id)) ctx.act('pin', { offer_id: id }); });
  keys.on('put_on_air', () => choose(ctx, t('What goes on air?'), (id) => ctx.act('put_on_air', { offer_id: id })));
  const short = (title) => title.split(' ').slice(0, 2).join(' ');

  function make(item) {
    if (!item.offer) return h('li.free', {}, h('button', { type: 'button', onclick: () => choose(ctx, t('Which product?'), (id) => ctx.act('pin', { offer_id: id }), ({ id }) => !ctx.store.state.show.pins.includes(id)) }, icon('pin', 'sm'), h('span', {}, t('Pin one'))));
    const { offer } = item;
    return h('li', {}, h('button', { type: 'button', onclick: () => ctx.act('unpin', { offer_id: offer.id }) }, h('img.thumb.sm', { src: offer.picture, alt: '' }), h('span.clip', {}, short(offer.title)), icon('close', 'sm')));
  }
  return {
    paint(state) {
      const pins = state.show.pins.map((id) => state.offers[id]).filter(Boolean).map((offer) => ({ key: offer.id, offer }));
      const over = isOver(state);
      const free = pins.length < MOST && !over ? [{ key: 'free' }] : [];
      syncList(list, [...pins, ...free], ({ key }) => key, make, (element, { offer }) => {
        setAttr(element.firstElementChild, 'aria-label', offer ? t('Unpin {title}', { title: offer.title }) : null);
        element.firstElementChild.disabled = over;
      });
    },
  };
}
