// The server's time on this device. Prices end by the server's clock, so a phone that is five minutes off must not matter.

// Old samples go: clocks drift and networks change.
const KEPT = 8;

/** `nowMs` is this device's clock, injectable for tests. */
export function serverClock(nowMs = Date.now) {
  let samples = [];
  const best = () => samples.reduce((a, b) => (b.spread < a.spread ? b : a));
  return {
    /** The server said `serverMs` in an answer to what left at `sentMs` and came at `receivedMs` (this device's clock). */
    sample(serverMs, sentMs, receivedMs = nowMs()) {
      if (!Number.isFinite(serverMs)) return;
      const spread = Math.max(0, receivedMs - sentMs);
      samples = [...samples.slice(1 - KEPT), { skew: serverMs - (sentMs + receivedMs) / 2, spread }];
    },
    /** What to add to this device's clock, in ms. The sample with the shortest way there and back is the truest. */
    skew: () => (samples.length ? best().skew : 0),
    now: () => nowMs() + (samples.length ? best().skew : 0),
    /** The last way there and back in ms, or null. */
    lag: () => samples.at(-1)?.spread ?? null,
  };
}
