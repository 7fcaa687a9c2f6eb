// Menus are <details class="menu">: they work alone. This closes them on Escape, a press beside, or another's opening.

import { $$, on } from '/static/js/dom.js';

const openMenus = () => $$('details.menu[open]');

export function wire() {
  document.addEventListener('pointerdown', (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
  on(document, 'click', 'details.menu .item:not([data-stay])', (_event, item) => { item.closest('details').open = false; });
}
