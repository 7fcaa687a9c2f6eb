// The desk's list: choose all, and buttons that wait until something is chosen. Without a script the form works as it is.

import { $, $$ } from '/static/js/dom.js';

const form = $('[data-orders]');
const all = $('[data-all]');

function paint() {
  const boxes = $$('input[name="id"]', form);
  const chosen = boxes.filter((box) => box.checked).length;
  for (const button of $$('[data-needs-choice]', form)) button.disabled = !chosen;
  if (all) {
    all.checked = chosen === boxes.length && chosen > 0;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
}

if (form && all) {
  all.addEventListener('change', () => {
    for (const box of $$('input[name="id"]', form)) box.checked = all.checked;
    paint();
  });
  form.addEventListener('change', paint);
  addEventListener('pageshow', paint);
  paint();
}
