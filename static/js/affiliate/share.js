// Share a link with the phone's own sheet; where there is none the button stays away and Copy is enough.

import { $$, on } from '/static/js/dom.js';

if (navigator.share) {
  for (const button of $$('[data-share]')) button.hidden = false;
  on(document, 'click', '[data-share]', (_event, { dataset }) => {
    // Who closes the sheet without sharing is no error.
    navigator.share({ title: dataset.title, url: dataset.share }).catch(() => {});
  });
}
