// Runs on every page: what templates/base.html and _ui.html promise. No state, no requests.

import { $, $$, h, icon, on } from '/static/js/dom.js';
import { t, time } from '/static/js/i18n.js';
import * as copy from '/static/js/ui/copy.js';
import { run as runCountdowns } from '/static/js/ui/countdown.js';
import * as dialog from '/static/js/ui/dialog.js';
import * as drop from '/static/js/ui/drop.js';
import * as menu from '/static/js/ui/menu.js';
import * as stepper from '/static/js/ui/stepper.js';

/** What the server could not know: the viewer's zone, and widths that a strict CSP keeps out of attributes. */
export function refine(root = document) {
  for (const element of $$('[data-w]', root)) element.style.setProperty('--w', `${Number(element.dataset.w)}%`);
  for (const element of $$('time[data-as]', root)) element.textContent = time(element.dateTime, element.dataset.as);
}

// A year: the choice is the person's, not the session's.
const YEAR_S = 365 * 86_400;

function setTheme(value) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `theme=${value}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
  if (value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  for (const button of $$('[data-theme-pick]')) button.setAttribute('aria-pressed', String(button.dataset.themePick === value));
}

function wireThemes() {
  for (const group of $$('[data-themes]')) group.hidden = false;
  on(document, 'click', '[data-theme-pick]', (_event, button) => setTheme(button.dataset.themePick));
}

/** A form with data-once is sent once: its buttons rest until the page answers or comes back from the cache. */
function wireForms() {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-once]') || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    for (const button of $$('button[type="submit"], button:not([type])', form)) button.setAttribute('aria-disabled', 'true');
  });
  addEventListener('pageshow', () => {
    for (const form of $$('form[data-sent]')) {
      delete form.dataset.sent;
      for (const button of $$('[aria-disabled]', form)) button.removeAttribute('aria-disabled');
    }
  });
  // Filters answer at once; the button beside them is for those without a script.
  on(document, 'change', '[data-auto-submit]', (_event, field) => field.form.requestSubmit());
  on(document, 'click', '[data-print]', () => print());
}

function wirePasswords() {
  for (const button of $$('[data-peek]')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const field = document.getElementById(button.dataset.peek);
      const shown = field.type === 'text';
      field.type = shown ? 'password' : 'text';
      button.setAttribute('aria-pressed', String(!shown));
      button.replaceChildren(icon(shown ? 'eye' : 'eye-off'));
    });
  }
}

/** Say once at the top that there is no network. The live page says it in its own place. */
function wireOffline() {
  if (document.body.dataset.ownOffline !== undefined) return;
  const strip = h('div.offline-strip', { role: 'status' }, icon('wifi-off', 'sm'), t('You are offline. What you see may be old.'));
  const paint = () => (navigator.onLine ? strip.remove() : document.body.prepend(strip));
  addEventListener('online', paint);
  addEventListener('offline', paint);
  paint();
}

/** Where a field was refused, the cursor goes to the first such field. */
function focusFirstError() {
  $('[aria-invalid="true"]')?.focus({ preventScroll: false });
}

/** On a slow line or a busy machine people tap before the modules are there: the last such tap counts now. */
function catchUp() {
  const opener = window.early?.pop();
  window.early = null;
  if (opener?.isConnected) opener.click();
}

/** On a phone a strip of tabs is wider than the screen: it begins where the reader is. Scrolls the strip, not the page. */
function showCurrentTabs() {
  for (const tab of $$('.tabstrip > [aria-current], .picks > [aria-current]')) {
    const strip = tab.parentElement;
    strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2;
  }
}

refine();
showCurrentTabs();
runCountdowns();
dialog.wire();
stepper.wire();
drop.wire();
menu.wire();
copy.wire();
wireThemes();
wireForms();
wirePasswords();
wireOffline();
focusFirstError();
catchUp();
