// A player of what is over: native controls, hls.js where the browser cannot.

import { h } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';

/** Put a player for `src` into `box`; chapters (WebVTT) and the second to begin at are optional. */
export async function createRecorded(box, { src, vtt = '', start = 0, label = t('Recording') }) {
  const video = h('video', { controls: true, playsInline: true, preload: 'metadata', 'aria-label': label });
  if (vtt) video.append(h('track', { kind: 'chapters', src: vtt, default: true, label: t('Chapters') }));
  box.replaceChildren(video);
  const { default: Hls } = await import('/static/vendor/hls.mjs');
  if (Hls.isSupported()) {
    const hls = new Hls({ startPosition: start, workerPath: '/static/vendor/hls.worker.js', maxBufferLength: 20, enableDateRangeMetadataCues: false, enableID3MetadataCues: false, enableEmsgMetadataCues: false });
    hls.loadSource(src);
    hls.attachMedia(video);
  } else {
    video.src = src;
    video.addEventListener('loadedmetadata', () => { video.currentTime = start; }, { once: true });
  }
  return video;
}
