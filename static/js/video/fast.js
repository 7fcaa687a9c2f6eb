// The fast picture, under a second late where HLS is two and more: WebRTC where the server has it, else FLV over a
// websocket (mpegts.js). Who wants it, when it may be tried, and the film itself; static/js/video/player.js goes back to
// HLS whenever this one fails.

import { RtcFilm, canRtc } from '/static/js/video/rtc.js';

const CHOICE = 'livestall.picture';
const CONFIG = {
  // Its workers are blob: addresses, which the CSP refuses.
  enableWorker: false, enableStashBuffer: false, lazyLoad: false,
  // A little faster while more than 0.9 s waits; a jump when it is 2.5 s, after a pause or a sleep.
  liveSync: true, liveSyncMaxLatency: 0.9, liveSyncTargetLatency: 0.5, liveSyncPlaybackRate: 1.1,
  liveBufferLatencyChasing: true, liveBufferLatencyMaxLatency: 2.5, liveBufferLatencyMinRemain: 0.4,
  autoCleanupSourceBuffer: true, autoCleanupMaxBackwardDuration: 30, autoCleanupMinBackwardDuration: 10,
};
// A door that is open answers in a round trip; a port that a firewall swallows never does.
const SILENT_MS = 4000;
// From the first bytes to a picture it is a key frame's second, and what a slow phone takes to begin.
const SLOW_MS = 10_000;
// So many stops within so long: this line is not steady enough.
const STOPS = 4;
const STOPS_MS = 30_000;
const WORKED_MS = 10_000;
const REST_MS = [60_000, 300_000];

const canFlv = () => Boolean(globalThis.WebSocket && globalThis.MediaSource?.isTypeSupported?.('video/mp4; codecs="avc1.42E01E,mp4a.40.2"'));

/** Whether this browser can play one of a show's fast pictures: an iPhone takes WebRTC alone. */
export const canBeFast = ({ flv = '', rtc = null }) => Boolean((rtc && canRtc()) || (flv && canFlv()));

/** What the viewer chose in this browser, and whether it may be tried now. */
export class FastChoice {
  isHeld = false; // a break: the door is shut for everybody

  isAway = false; // nobody looks

  #failures = 0;
  #rests = 0;
  #restUntil = -Infinity;

  constructor({ storage = globalThis.localStorage, can = canBeFast, now = () => performance.now() } = {}) {
    Object.assign(this, { storage, can, now });
  }

  get isWanted() { return this.storage?.getItem(CHOICE) === 'fast'; }

  /** Chosen again, it is tried again at once. */
  set isWanted(isWanted) {
    this.storage?.setItem(CHOICE, isWanted ? 'fast' : 'usual');
    this.#restUntil = -Infinity;
    this.#rests = this.#failures = 0;
  }

  /** Whether the show behind this answer of the server should play fast; what already does outlasts the host's outage. */
  may(info, isFast = false) {
    if (!this.isWanted || !this.can(info) || this.isHeld || this.isAway) return false;
    return isFast || (info.status === 'on' && this.now() >= this.#restUntil);
  }

  /** It broke: once more at once, then HLS for a while. `isHopeless`: HLS at once. */
  failed(isHopeless = false) {
    this.#failures += 1;
    if (!isHopeless && this.#failures < 2) return;
    this.#restUntil = this.now() + REST_MS[Math.min(this.#rests, REST_MS.length - 1)];
    this.#rests += 1;
    this.#failures = 0;
  }

  /** It has played for `ms` without a break. */
  worked(ms) {
    if (ms >= WORKED_MS) this.#failures = 0;
  }
}

let library = null;
// It is no module: as a script it hangs itself on the window.
const load = () => (library ??= new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement('script'), { src: import.meta.resolve('/static/vendor/mpegts.js') });
  script.addEventListener('load', () => {
    globalThis.mpegts.LoggingControl.enableAll = false;
    resolve(globalThis.mpegts);
  });
  script.addEventListener('error', () => {
    library = null;
    reject(new TypeError('mpegts.js did not load'));
  });
  document.head.append(script);
}));

// A network that lets no UDP through does not do so a minute later either.
let isRtcBlocked = false;

/**
 * Plays a show fast in `video` until destroy(); `failed(isHopeless)` is called once when it cannot go on. Gives null if
 * it is not wanted any more when its player is there.
 */
export async function openFast(video, { flv, rtc }, failed, isWanted = () => true) {
  if (rtc && canRtc() && !isRtcBlocked) {
    return new RtcFilm(video, rtc, (hasPlayed) => {
      isRtcBlocked = !hasPlayed;
      failed(!hasPlayed && !(flv && canFlv()));
    });
  }
  if (!flv || !canFlv()) throw new TypeError('no fast picture for this browser');
  const mpegts = await load();
  return isWanted() ? new FastFilm(mpegts, video, flv, failed) : null;
}

class FastFilm {
  isFast = true;

  kind = 'flv';

  #isOver = false;
  #stops = [];
  #since = performance.now();
  #silence = 0;

  constructor(mpegts, video, url, failed) {
    Object.assign(this, { video, failed });
    this.player = mpegts.createPlayer({ type: 'flv', isLive: true, url }, { ...CONFIG, customLoader: socketLoader(mpegts, (isHopeless) => this.#fail(isHopeless), () => this.#heard()) });
    this.player.on(mpegts.Events.ERROR, () => this.#fail());
    video.addEventListener('waiting', this.#stopped);
    video.addEventListener('playing', this.#plays);
    this.#silence = setTimeout(() => this.#fail(true), SILENT_MS);
    this.player.attachMediaElement(video);
    this.player.load();
  }

  #plays = () => clearTimeout(this.#silence);

  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#fail(true), SLOW_MS);
  }

  #stopped = () => {
    const now = performance.now();
    this.#stops = [...this.#stops.filter((at) => now - at < STOPS_MS), now];
    if (this.#stops.length > STOPS) this.#fail(true);
  };

  #fail(isHopeless = false) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.failed(isHopeless);
  }

  get playedMs() { return performance.now() - this.#since; }

  get latency() {
    const { buffered, currentTime } = this.video;
    return buffered.length ? buffered.end(buffered.length - 1) - currentTime : null;
  }

  destroy() {
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.video.removeEventListener('waiting', this.#stopped);
    this.video.removeEventListener('playing', this.#plays);
    this.player.destroy();
    this.video.playbackRate = 1;
  }
}

/** A loader of mpegts.js that tells when the server hangs up: its own does not. */
function socketLoader({ BaseLoader, LoaderStatus }, closed, begun) {
  return class extends BaseLoader {
    #socket = null;
    #received = 0;

    constructor() {
      super('livestall-socket');
    }

    open({ url }) {
      this._status = LoaderStatus.kConnecting;
      this.#socket = new WebSocket(url);
      this.#socket.binaryType = 'arraybuffer';
      this.#socket.onmessage = ({ data }) => {
        this._status = LoaderStatus.kBuffering;
        const at = this.#received;
        if (at === 0) begun();
        this.#received += data.byteLength;
        this._onDataArrival?.(data, at, this.#received);
      };
      this.#socket.onclose = () => closed(false);
    }

    abort() {
      if (this.#socket) this.#socket.onclose = this.#socket.onmessage = null;
      this.#socket?.close();
      this.#socket = null;
      this._status = LoaderStatus.kComplete;
    }

    destroy() {
      this.abort();
      super.destroy();
    }
  };
}
