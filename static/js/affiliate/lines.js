// Lines of commissions: drawn from events as templates/affiliates/_parts.html draws them, and opened in place.

import { $, h, on, setAttr } from '/static/js/dom.js';
import { money, t, time } from '/static/js/i18n.js';
import { refine } from '/static/js/shell.js';

const STATES = {
  pending: () => [t('On hold'), 'calm'], mature: () => [t('Payable'), 'money'], settled: () => [t('Settled'), 'stock'],
  held: () => [t('In review'), 'urgent'], reversed: () => [t('Taken back'), ''],
};

const stateChip = (state) => {
  const [word, kind] = STATES[state]();
  return h(`span.chip${kind && `.${kind}`}`, {}, word);
};

function factsOf(line) {
  const facts = [t('Order {number}', { number: line.order_number }), time(line.created_at, 'short')];
  if (line.kind === 'bonus') facts.unshift(t('Bonus'));
  else if (line.level === 2) facts.unshift(t('Your team'));
  return facts.join(' · ');
}

export function make(line) {
  return h('li', {}, h('a.head', { href: `/affiliate/lines/${line.id}` }, h('img.thumb.sm', { alt: '', src: line.picture || null }),
    h('span.what', {}, h('b', {}, line.quantity > 1 ? `${line.title} × ${line.quantity}` : line.title), h('span.tiny.quiet', {}, factsOf(line))), h('span.end')));
}

/** What may change of a line: its sums and its state. */
export function paint(element, line, isFresh = false) {
  element.classList.toggle('fresh', isFresh);
  const picture = $('.head > .thumb', element);
  if (line.picture) setAttr(picture, 'src', line.picture);
  const mark = [line.amount_minor, line.reversed_minor, line.state].join();
  if (element.dataset.mark === mark) return;
  element.dataset.mark = mark;
  const parts = line.reversed_minor > 0 && h('span.tiny.quiet.num', {}, `${money(line.amount_minor, line.currency)} − ${money(line.reversed_minor, line.currency)}`);
  $('.end', element).replaceChildren(...[h('b.num', {}, money(line.amount_minor - line.reversed_minor, line.currency)), parts, stateChip(line.state)].filter(Boolean));
  if ($('.why', element)) close(element, $('.head', element)); // what is open explains the sum as it was
}

function close(item, head) {
  $('.why', item)?.remove();
  item.classList.remove('open');
  head.setAttribute('aria-expanded', 'false');
}

async function open(item, head) {
  const answer = await fetch(head.href, { headers: { Accept: 'text/html' }, credentials: 'same-origin' });
  const why = answer.ok && $('#why', new DOMParser().parseFromString(await answer.text(), 'text/html'));
  if (!why) return location.assign(head.href);
  why.removeAttribute('id');
  item.append(document.adoptNode(why));
  item.classList.add('open');
  head.setAttribute('aria-expanded', 'true');
  refine(item);
}

// A tap with another key (new tab) stays the browser's.
on(document, 'click', '#lines .head', (event, head) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const item = head.closest('li');
  if (item.classList.contains('open')) close(item, head);
  else open(item, head).catch(() => location.assign(head.href));
});
