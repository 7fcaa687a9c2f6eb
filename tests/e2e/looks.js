// What a machine can see is wrong with a page as it stands: a page wider than its screen, words that are cut off without
// an ellipsis, and (touch) targets that are too small for a thumb. Gives sentences.
({ touch }) => {
  const found = [];
  const name = (el) => `<${el.tagName.toLowerCase()}${el.id ? `#${el.id}` : ''}${[...el.classList].map((one) => `.${one}`).join('')}> "${(el.innerText ?? el.value ?? '').trim().slice(0, 40)}"`;
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`wider than the screen by ${wide}px`);

  // What is clipped to a point is there for screen readers alone (the head of a table whose rows are cards on a phone).
  const clipped = (el) => { for (let one = el; one; one = one.parentElement) if (one.clientWidth <= 1 && getComputedStyle(one).clipPath !== 'none') return true; return false; };
  const hidden = (el) => !el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || el.closest('.sr, .skip, [inert], [aria-hidden="true"]') || clipped(el);
  const says = (el) => [...el.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  for (const el of document.querySelectorAll('body *')) {
    if (el instanceof SVGElement || !says(el) || hidden(el)) continue;
    const style = getComputedStyle(el);
    if (style.display === 'inline' || style.display === 'contents' || el.tagName === 'OPTION') continue;
    const scrolls = ['auto', 'scroll'].includes(style.overflowX) || ['auto', 'scroll'].includes(style.overflowY);
    if (el.scrollWidth > el.clientWidth + 1 && style.textOverflow !== 'ellipsis' && !scrolls) found.push(`too narrow (${el.scrollWidth} > ${el.clientWidth}): ${name(el)}`);
    if (style.overflowY === 'hidden' && style.webkitLineClamp === 'none' && el.scrollHeight > el.clientHeight + 2) found.push(`cut below (${el.scrollHeight} > ${el.clientHeight}): ${name(el)}`);
  }
  for (const el of document.querySelectorAll('select')) {
    if (!hidden(el) && el.scrollWidth > el.clientWidth + 1) found.push(`select cut: ${name(el)}`);
  }
  if (!touch) return found;

  // A link within a sentence is as tall as its line, and a label is its field's target.
  const inSentence = (el) => el.tagName === 'A' && getComputedStyle(el).display === 'inline';
  for (const el of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (hidden(el) || el.disabled || inSentence(el)) continue;
    const own = el.getBoundingClientRect();
    const label = el.matches('input') && (['checkbox', 'radio', 'file'].includes(el.type) ? el.closest('label, .drop') : el.closest('.affix, .search, .stepper'));
    const box = (label || el).getBoundingClientRect();
    const after = getComputedStyle(el, '::after');
    const reach = after.content !== 'none' && after.position === 'absolute' ? parseFloat(after.height) || 0 : 0;
    if (own.width && Math.max(box.height, reach) < 43.5) found.push(`small target ${Math.round(box.width)}x${Math.round(box.height)}: ${name(el)}`);
  }
  return found;
}
