// Follows a campaign's budget over the socket; what it missed it asks for. Used by its page and by the control page.

import { get } from '/static/js/api.js';
import { apply, begin, replace, streamOf } from '/static/js/affiliate/burn.js';
import { serverClock } from '/static/js/live/clock.js';
import { Line } from '/static/js/live/socket.js';

/** Call `paint(state)` now and at every change; `status(word)` when the line changes. */
export async function follow(snapshot, url, paint, status = () => {}) {
  let state = begin(snapshot);
  const become = (next) => { if (next !== state) { state = next; paint(state); } };
  paint(state);
  const { io } = await import('socket.io-client');
  const line = new Line({
    io, clock: serverClock(), join: { event: 'join_budget', data: { campaign_id: snapshot.campaign_id } }, also: [],
    on: {
      // After a pause the curve of the server is fuller than ours.
      joined: (answer, again) => (again ? get(url).then((fresh) => become(replace(state, fresh)), () => {}) : become(replace(state, answer))),
      frame: ({ stream, events }) => { if (stream === streamOf(state.campaign_id)) for (const event of events) become(apply(state, event)); },
      status, refused: () => line.close(),
    },
  }).open();
}
