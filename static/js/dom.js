// Small helpers over the DOM. Text goes in as text: nothing here reads HTML.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const SVG = 'http://www.w3.org/2000/svg';

/** An icon of templates/_icons.svg.html. */
export function icon(name, cls = '') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', cls ? `icon ${cls}` : 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * An element: h('button.btn.act', {type: 'button', onclick: fn, dataset: {id}}, 'Buy', icon('bag')).
 * Strings become text nodes; null, undefined and false leave nothing; arrays are opened.
 */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split('.');
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(props ?? {})) setProp(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false).map(toNode));
  return element;
}

const toNode = (child) => (typeof child === 'object' ? child : String(child));

function setProp(element, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'dataset') Object.assign(element.dataset, value);
  else if (name === 'vars') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
  else if (name in element && !name.startsWith('aria') && name !== 'list' && name !== 'form') element[name] = value;
  else element.setAttribute(name, value === true ? '' : value);
}

/** Change text only if it differs, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element && element.textContent !== String(text)) element.textContent = text;
}

export function show(element, visible) {
  if (element) element.hidden = !visible;
}

export function setAttr(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? '' : value);
}

/** Listen on a root for events from descendants that match a selector; returns how to stop. */
export function on(root, type, selector, handler, options) {
  const listener = (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target && root.contains(target)) handler(event, target);
  };
  root.addEventListener(type, listener, options);
  return () => root.removeEventListener(type, listener, options);
}

/**
 * Bring a list's children to match items by key, moving and keeping elements where it can.
 * make(item) gives a new element; paint(element, item) brings one up to date.
 */
export function syncList(parent, items, key, make, paint = () => {}) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = String(key(item));
    let element = old.get(id);
    if (element) old.delete(id);
    else {
      element = make(item);
      element.dataset.key = id;
    }
    paint(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const element of old.values()) element.remove();
}

/** The JSON that the server put into the page (<script type="application/json" id="page-data">). */
export function pageData(id = 'page-data') {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/** The token that every writing request carries in the header X-CSRFToken. */
export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

/** Say something to screen readers only, without moving the focus. */
export function announce(text) {
  let region = document.getElementById('announcer');
  if (!region) {
    region = h('div.sr', { id: 'announcer', role: 'status', 'aria-live': 'polite' });
    document.body.append(region);
  }
  // The same words twice are heard once unless the region was emptied between.
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; });
}
