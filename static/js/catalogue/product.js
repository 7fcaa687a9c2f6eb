// The product editor: variants are added and removed in the form; nothing is sent before Save.

import { $, $$, on } from '/static/js/dom.js';

const list = $('#variants');
const template = $('#variant-template');
// Numbers only keep the rows apart; they grow, so that a removed row's number is not used again.
let next = list.children.length;

function add() {
  const row = template.content.firstElementChild.cloneNode(true);
  for (const element of $$('[id], [name], [for], [aria-describedby]', row)) {
    for (const name of ['id', 'name', 'for']) {
      if (element.hasAttribute(name)) element.setAttribute(name, element.getAttribute(name).replace('NEW', next));
    }
  }
  next += 1;
  // A new variant usually costs what the one before it does.
  const price = $$('input[name$=".price"]', list).at(-1)?.value;
  if (price) $('input[name$=".price"]', row).value = price;
  list.append(row);
  $('input:not([type="hidden"])', row).focus();
  paint();
}

/** The only row cannot be removed. */
function paint() {
  for (const button of $$('[data-remove-variant]', list)) button.hidden = list.children.length === 1;
}

$('#add-variant').addEventListener('click', add);
on(list, 'click', '[data-remove-variant]', (_event, button) => {
  const row = button.closest('[data-variant]');
  const near = row.previousElementSibling ?? row.nextElementSibling;
  row.remove();
  paint();
  $('input:not([type="hidden"])', near)?.focus();
});

// Leaving with changes that were not saved asks first.
const form = $('#product-form');
let touched = false;
form.addEventListener('input', () => { touched = true; });
form.addEventListener('submit', () => { touched = false; });
addEventListener('beforeunload', (event) => { if (touched) event.preventDefault(); });
