// Dragging rows by their grip, with a pointer of any kind; arrow keys on the grip do the same.

import { $$, on } from '../dom.js';

/**
 * onMoved(id, ids) hears the new order when a row was dropped elsewhere; onStep(id, steps) an arrow key.
 * Nothing is changed here for keys: the state moves and paints.
 */
export function wireReorder(root, { onMoved, onStep }) {
  on(root, 'keydown', '[data-grip]', (event, grip) => {
    const steps = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!steps) return;
    event.preventDefault();
    onStep(idOf(grip), steps);
  });
  on(root, 'pointerdown', '[data-grip]', (event, grip) => {
    if (event.button === 0) drag(event, grip, onMoved);
  });
}

const idOf = (element) => element.closest('tr').dataset.key;

function drag(start, grip, onMoved) {
  const row = grip.closest('tr');
  const body = row.parentElement;
  const before = [...body.children];
  start.preventDefault();
  grip.focus({ preventScroll: true });
  row.classList.add('dragged');

  const follow = (event) => {
    const next = $$('tr', body).filter((each) => each !== row).find((each) => {
      const box = each.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    if ((next ?? null) !== row.nextElementSibling) body.insertBefore(row, next ?? null);
    const edge = 60; // near the edge of the window the page comes along
    if (event.clientY < edge) scrollBy(0, -12);
    else if (event.clientY > innerHeight - edge) scrollBy(0, 12);
  };
  const end = () => {
    row.classList.remove('dragged');
    done.abort();
  };
  const drop = (event) => {
    follow(event); // an answer of the server may have painted the old order since the last move
    end();
    const ids = [...body.children].map((each) => each.dataset.key);
    if (ids.some((id, place) => id !== before[place]?.dataset.key)) onMoved(row.dataset.key, ids);
  };
  const giveUp = () => {
    end();
    body.replaceChildren(...before);
  };
  const done = new AbortController();
  const { signal } = done;
  // On the document: a row that moves within the table loses the pointer that its grip had captured.
  document.addEventListener('pointermove', follow, { signal });
  document.addEventListener('pointerup', drop, { signal });
  document.addEventListener('pointercancel', giveUp, { signal });
  document.addEventListener('keydown', (event) => event.key === 'Escape' && giveUp(), { signal });
}
