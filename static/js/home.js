// The list of sales: numbers follow every 15 s, reminders, days in the viewer's own words, and a filter.

import { $, $$, h, icon, on, pageData, setAttr, setText, show } from '/static/js/dom.js';
import { dayName, number, t } from '/static/js/i18n.js';
import { get, post, signInIfAsked, signInUrl } from '/static/js/api.js';
import * as segments from '/static/js/ui/segments.js';
import { price } from '/static/js/ui/price.js';
import { toast } from '/static/js/ui/toast.js';

// A glance, not a ticker: the show itself has the live numbers.
const EVERY_MS = 15_000;

const page = pageData();
for (const day of $$('[data-day]')) setText(day, dayName(day.dataset.day));

function paintOnAir(element, sale) {
  setText($('[data-viewers]', element), number(sale.viewers ?? 0));
  show($('.chip.seen', element), Boolean(sale.viewers));
  const { offer } = sale;
  show($('.product.now', element), Boolean(offer));
  if (!offer) return;
  const image = $('[data-offer-picture]', element);
  if (image.getAttribute('src') !== offer.picture) image.src = offer.picture;
  setText($('[data-offer-title]', element), offer.title);
  setText($('[data-offer-left]', element), t('{left} of {total} left', { left: number(offer.left), total: number(offer.total) }));
  const place = $('[data-offer-price]', element);
  const tag = price(offer.price_minor, sale.currency, { tag: true });
  if (place.textContent.trim() !== tag.textContent) place.replaceChildren(tag);
}

async function refresh() {
  if (document.visibilityState !== 'visible') return;
  const fresh = await get('/api/home', { repeat: false }).catch(() => null);
  if (!fresh) return;
  const shown = $$('#on-air [data-show]').map((element) => element.dataset.show).join();
  // A show began or ended: the page is another one.
  if (fresh.on_air.map(({ id }) => id).join() !== shown) return location.reload();
  for (const sale of fresh.on_air) paintOnAir($(`#on-air [data-show="${CSS.escape(sale.id)}"]`), sale);
}

on(document, 'click', '#coming [data-remind]', async (_event, button) => {
  if (!page.signed_in) return location.assign(signInUrl(''));
  const isSet = button.getAttribute('aria-pressed') !== 'true';
  try {
    await post(`/api/live/${button.closest('[data-show]').dataset.show}/reminder`, { on: isSet }, { repeat: true });
  } catch (error) {
    if (!signInIfAsked(error, '')) toast(error.message, { kind: 'urgent' });
    return;
  }
  setAttr(button, 'aria-pressed', String(isSet));
  button.classList.toggle('act', isSet);
  button.replaceChildren(icon(isSet ? 'check' : 'bell'), h('span', {}, isSet ? t('Reminder on') : t('Remind me')));
  toast(isSet ? t('We will write to you when it starts.') : t('The reminder is off.'));
});

const kinds = $('[data-kinds]');
if (kinds) segments.wire(kinds, (kind) => {
  for (const line of $$('#coming > li')) show(line, !kind || line.dataset.kind === kind);
});

setInterval(refresh, EVERY_MS);
document.addEventListener('visibilitychange', refresh);
