// On an order: the seconds of the show in which it was claimed, for its buyer and for the shop.

import { $, show } from '/static/js/dom.js';
import { ApiError, get } from '/static/js/api.js';
import { createRecorded } from '/static/js/video/recorded.js';

const box = $('#clip');

async function load() {
  const { hls } = await get(`/api/orders/${box.dataset.order}/clip`, { repeat: false });
  if (!hls) return;
  show(box, true);
  await createRecorded($('.replay-box', box), { src: hls });
}

if (box) load().catch((error) => { if (!(error instanceof ApiError)) throw error; });
