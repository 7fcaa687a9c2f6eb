// The control page: puts the parts together. One person under pressure must see what is on, how long, what next.

import { $, pageData } from '/static/js/dom.js';
import { undoLast } from '/static/js/ui/toast.js';
import { createAir } from '/static/js/control/air.js';
import { openDesk } from '/static/js/control/desk.js';
import { createFigures } from '/static/js/control/figures.js';
import { createHead } from '/static/js/control/head.js';
import { createKeys } from '/static/js/control/keys.js';
import { createLaunch } from '/static/js/control/launch.js';
import { createPins } from '/static/js/control/pins.js';
import { createRun } from '/static/js/control/run.js';
import { createTalk } from '/static/js/control/talk.js';
import { createVideoDesk } from '/static/js/video/desk.js';

const data = pageData();
const keys = createKeys(data.hotkeys);
const parts = [];
const paint = (state) => { for (const part of parts) part.paint(state); };
const ctx = openDesk(data, { paint, keyOf: keys.keyOf });
parts.push(createHead(ctx, keys, data.end_word), createRun(ctx, keys), createAir(ctx, keys), createLaunch(ctx, keys), createPins(ctx, keys), createFigures(ctx), createTalk(ctx, keys), createVideoDesk(ctx));
keys.on('undo', undoLast);
$('#change-keys').addEventListener('click', keys.change);

const tick = () => {
  for (const part of parts) part.tick?.(ctx.store.state);
  // What ends by the clock changes the page without an event.
  ctx.store.repaint();
};
paint(ctx.store.state);
keys.paint();
tick();
setInterval(tick, 1000);
