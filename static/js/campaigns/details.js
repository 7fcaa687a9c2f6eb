// The dialog of one offer: what has no column, and moving or removing it without a drag.

import { $, on, setText } from '../dom.js';
import * as dialog from '../ui/dialog.js';

/** Wire the dialog; step(id, steps) moves a row, remove(offer) takes it out, save(job) queues a request. */
export function wireDetails({ state, url, save, step, remove }) {
  const box = $('#details');
  const form = $('#details-form');
  let id = null;
  const offer = () => state().sheet.offers.find((each) => each.id === id);

  function open(which) {
    id = which;
    const { title, promise, hold_seconds: hold, after_sale: after } = offer();
    setText($('#details-title'), title);
    form.elements.title.value = title;
    form.elements.promise.value = promise;
    form.elements.hold_seconds.value = hold ?? '';
    form.elements.after_sale.value = after ?? '';
    ends();
    dialog.open(box);
  }

  function ends() {
    const ids = state().sheet.offers.map((each) => each.id);
    $('#d-up').disabled = ids[0] === id;
    $('#d-down').disabled = ids.at(-1) === id;
  }

  const move = (steps) => () => {
    step(id, steps);
    ends();
  };

  on(document, 'click', '[data-more]', (_event, button) => open(button.closest('tr').dataset.key));
  $('#d-up').addEventListener('click', move(-1));
  $('#d-down').addEventListener('click', move(1));
  $('#d-remove').addEventListener('click', () => {
    remove(offer());
    dialog.close(box);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const { title, promise, hold_seconds: hold, after_sale: after } = form.elements;
    save({
      method: 'PATCH', url: `${url}/offers/${id}`,
      body: { title: title.value.trim(), promise: promise.value.replace(/\s+/g, ' ').trim(), hold_seconds: hold.value ? Number(hold.value) : null, after_sale: after.value || null },
    }, `details ${id}`);
    dialog.close(box);
  });
}
