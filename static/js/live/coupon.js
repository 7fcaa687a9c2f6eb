// A line of the sheet for a coupon code: entered once, checked at once, shown with what it takes off.

import { h, icon, setText, show } from '/static/js/dom.js';
import { money, t } from '/static/js/i18n.js';
import { ApiError, post } from '/static/js/api.js';
import { withChoice } from '/static/js/live/buying.js';
import { discountOf } from '/static/js/live/discount.js';
import { openable } from '/static/js/live/means.js';

/** `grossOf()` gives what the units cost without it. */
export function couponLineOf(ctx, offerId, grossOf) {
  const line = openable('tag', (panel) => fill(panel));
  function fill(panel) {
    const form = couponForm(async (code) => {
      const { coupon } = await post('/api/coupons/check', { code, offer_id: offerId }, { repeat: true });
      ctx.store.update(withChoice, { coupon });
      line.open(false);
    });
    const { coupon } = ctx.store.state.choice;
    const remove = coupon && h('button.btn.wide', { type: 'button', onclick: () => { ctx.store.update(withChoice, { coupon: null }); line.open(false); } }, t('Buy without the code'));
    panel.replaceChildren(...[form, remove].filter(Boolean));
    form.querySelector('input').focus();
  }
  return {
    nodes: line.nodes, open: line.open,
    paint({ choice, show: { currency } }) {
      const { coupon } = choice;
      const off = discountOf(coupon, grossOf());
      const words = off ? t('{code}: {price} off', { code: coupon.code, price: money(off, currency) }) : coupon?.code;
      line.paint(words ?? t('Coupon code'), false, coupon ? t('Change') : t('Add'));
    },
  };
}

function couponForm(use) {
  const hint = h('span.hint', { id: 'coupon-hint', role: 'alert', hidden: true });
  const input = h('input.input', { id: 'f-coupon', name: 'code', required: true, maxLength: 40, autocomplete: 'off', autocapitalize: 'characters', spellcheck: false, 'aria-describedby': 'coupon-hint' });
  const field = h('div.field.grow', {}, h('label', { htmlFor: 'f-coupon' }, t('Coupon code')), input, hint);
  const send = h('button.btn.act', { type: 'submit' }, icon('check'), t('Use it'));
  const form = h('form.coupon', {}, field, send);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await use(input.value);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(hint, error.fields?.coupon?.join(' ') ?? error.message);
      show(hint, true);
      field.classList.add('bad');
      input.focus();
    } finally {
      send.disabled = false;
    }
  });
  return form;
}
