// The list of shows: the start of a new one is chosen in the viewer's own zone and sent as a moment.

import { $, setText } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { open } from '/static/js/ui/dialog.js';
import { localText, toMoment } from '/static/js/studio/when.js';

const form = $('#plan-form');
if (form) {
  const field = form.elements.starts_local;
  setText($('.hint:not([role="alert"])', field.closest('.field')), t('In your time zone'));
  if (!field.value) field.value = localText(nextEvening());
  form.addEventListener('submit', () => { form.elements.starts_at.value = toMoment(field.value) ?? ''; }, { capture: true });
  if (form.dataset.asked !== undefined) open(form.closest('dialog'));
}

/** Tomorrow at eight in the evening: when most shows are. */
function nextEvening(now = new Date()) {
  const start = new Date(now);
  start.setDate(start.getDate() + 1);
  start.setHours(20, 0, 0, 0);
  return start;
}
