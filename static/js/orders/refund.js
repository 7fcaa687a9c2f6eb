// The refund's dialog: what arrived damaged, or not at all, goes back on sale only if somebody says so.

import { $ } from '/static/js/dom.js';

const reason = $('#refund [name="reason"]');
const again = $('#refund [name="restock"]');
reason?.addEventListener('change', () => {
  if (['damaged', 'missing'].includes(reason.value)) again.checked = false;
});
