// What every chart is drawn with: an SVG element, the hatch of what is still running, a short amount for an axis.

import { money } from '/static/js/i18n.js';

const NS = 'http://www.w3.org/2000/svg';

export function s(tag, attrs, text = '') {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

/** <defs> with the pattern "hatch": fill: 'url(#hatch)'. */
export function hatch() {
  const defs = s('defs', {});
  const pattern = s('pattern', { id: 'hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' });
  pattern.append(s('rect', { width: 2.5, height: 5, class: 'hatch' }));
  defs.append(pattern);
  return defs;
}

/** "£1,500" and not "£1,500.00". */
export const short = (minor, currency) => money(minor, currency).replace(/[.,]0+(?=\D*$)/, '');
