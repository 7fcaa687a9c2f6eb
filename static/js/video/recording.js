// The recording on a show's report: watch, trim, hide, delete, and what it takes on the disk.

import { $, on, setText, show } from '/static/js/dom.js';
import { clock, number, t } from '/static/js/i18n.js';
import { ApiError, del, get, post } from '/static/js/api.js';
import { confirm } from '/static/js/ui/dialog.js';
import { toast } from '/static/js/ui/toast.js';
import { createRecorded } from '/static/js/video/recorded.js';

const panel = $('#recording');
const path = panel && `/api/live/${panel.dataset.live}/video/recording`;
let info = null;
let video = null;

const megabytes = (bytes) => `${number(Math.round(bytes / 1e6))} MB`;

async function ask(work) {
  try {
    info = await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, { kind: 'urgent' });
  }
  paint();
}

function paint() {
  if (!info || info.state === 'none' || (!info.seconds && info.state !== 'deleted')) return;
  show(panel, true);
  const isGone = info.state === 'deleted' || !info.hls;
  for (const part of panel.querySelectorAll('button, a, label, .replay-box')) part.hidden = isGone;
  setText($('#recording-size'), isGone ? '' : `${clock(info.seconds * 1000)}, ${megabytes(info.bytes)}`);
  setText($('#recording-words'), wordsOf());
  setText($('#recording-cut'), isGone ? '' : t('Viewers see {from} to {to}.', { from: clock(info.trim_start_ms), to: clock(info.trim_end_ms ?? info.seconds * 1000) }));
  $('#recording-shown').checked = !info.hidden;
  setText($('#recording-keep'), t('It is deleted by itself after {days} days. All recordings of this shop take {used}; {free} are free.', { days: number(info.keep_days), used: megabytes(info.used), free: megabytes(info.free_mb * 2 ** 20) }));
  if (!isGone && !video) createRecorded($('#recording-box'), { src: info.hls }).then((made) => { video = made; });
}

function wordsOf() {
  if (info.state === 'deleted') return t('The recording was deleted.');
  if (info.state === 'stopped') return t('The disk was nearly full: the end of the show is not in it.');
  return info.ended ? '' : t('The show is still on.');
}

const save = (change) => ask(post(path, { hidden: info.hidden, trim_start_ms: info.trim_start_ms, trim_end_ms: info.trim_end_ms, ...change }));

if (panel) {
  ask(get(path));
  on(panel, 'click', '[data-cut]', (_event, { dataset: { cut } }) => {
    const at = Math.round((video?.currentTime ?? 0) * 1000);
    if (cut === 'none') save({ trim_start_ms: 0, trim_end_ms: null });
    else save(cut === 'start' ? { trim_start_ms: at } : { trim_end_ms: Math.max(1, at) });
  });
  $('#recording-shown').addEventListener('change', ({ target }) => save({ hidden: !target.checked }));
  $('#recording-delete').addEventListener('click', async () => {
    if (!await confirm({ title: t('Delete the recording?'), text: t('The replay and the clips on orders go with it. This cannot be undone.'), act: t('Delete'), danger: true })) return;
    await ask(del(path));
  });
}
