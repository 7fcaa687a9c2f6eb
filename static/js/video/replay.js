// The replay on the page of a show that is over: chapters by product, and a tray that follows the picture.

import { $, h, setAttr, show } from '/static/js/dom.js';
import { clock, t } from '/static/js/i18n.js';
import { ApiError, get } from '/static/js/api.js';
import { createRecorded } from '/static/js/video/recorded.js';

/** The chapter at a second, or null. Pure. */
export const chapterAt = (chapters, second) => chapters.find(({ start, end }) => second >= start && second < end) ?? null;

export async function createReplay(liveId) {
  let found;
  try {
    found = await get(`/api/live/${liveId}/replay`, { repeat: false });
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
  // Never recorded, hidden or deleted: the page is whole without it.
  if (!found.hls) return null;
  show($('#replay'), true);
  const video = await createRecorded($('#replay-box'), { src: found.hls, vtt: found.vtt, label: t('Watch it again') });
  const buttons = found.chapters.map((chapter) => h('button', { type: 'button', onclick: () => seek(chapter) }, h('span.num', {}, clock(chapter.start * 1000)), h('span', {}, chapter.title)));
  $('#chapters').replaceChildren(...buttons.map((button) => h('li', {}, button)));

  function seek({ start }) {
    video.currentTime = start + 0.05;
    video.play().catch(() => {});
  }

  let now = null;
  function follow() {
    const chapter = chapterAt(found.chapters, video.currentTime);
    if (chapter === now && document.querySelector('.shelf-list > .in-picture')) return;
    now = chapter;
    found.chapters.forEach((one, place) => setAttr(buttons[place], 'aria-current', one === chapter ? 'true' : null));
    for (const line of document.querySelectorAll('.shelf-list > [data-key]')) line.classList.toggle('in-picture', Boolean(chapter?.offer_id) && line.dataset.key === chapter.offer_id);
  }
  video.addEventListener('timeupdate', follow);
  video.addEventListener('seeked', follow);
  // An address with ?at=<seconds> begins there.
  const at = Number(new URLSearchParams(location.search).get('at'));
  if (at > 0) video.addEventListener('loadedmetadata', () => { video.currentTime = at; }, { once: true });
  return video;
}
