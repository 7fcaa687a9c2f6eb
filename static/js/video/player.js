// The film: plays a show's picture over its poster, keeps it close to the edge, heals, and knows which moment is seen.

import { $, h, icon, setAttr, show } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';
import { get } from '/static/js/api.js';
import { openFast } from '/static/js/video/fast.js';

// Two segments behind the edge: closer stalls with keyframes each second, farther is only later.
const HLS_CONFIG = {
  liveSyncDurationCount: 2, liveMaxLatencyDurationCount: 5, maxLiveSyncPlaybackRate: 1.2, backBufferLength: 20,
  manifestLoadingMaxRetry: 6, levelLoadingMaxRetry: 8, fragLoadingMaxRetry: 6, workerPath: '/static/vendor/hls.worker.js',
  // Our pages hear of pins over the socket; cues would need an empty data: track, which the CSP refuses.
  enableDateRangeMetadataCues: false, enableID3MetadataCues: false, enableEmsgMetadataCues: false,
  // Where there are two pictures, begin with the better one; a slow line is noticed with the first pieces.
  abrEwmaDefaultEstimate: 6_000_000, testBandwidth: false,
};
// After a fatal error: at once, then slower; the page is told on the event stream when there is something to try for.
const AGAIN_MS = [500, 1000, 2000, 4000];
const ASK_MS = 20_000;
// Without a picture the event stream tells when there is one; this is for a page that missed it.
const REST_MS = 120_000;
// Thousands of pages hear in one instant that the picture is there.
const SPREAD_MS = 600;
// A second picture came or went: what plays begins anew, some pages earlier than others.
const CHANGE_MS = 6000;
const STALLED_MS = 2500;
// A picture that does not come back although the server says it is there: begin anew.
const STUCK_MS = 9000;
// The fast picture has nothing to wait for; the server knows of a host's outage after some 3 s, and says so.
const FAST_STUCK_MS = 5000;
// A page that nobody looks at needs no socket of its own.
const AWAY_MS = 5000;
// After a break the media server hears half a second later than pages do that the door is open.
const OPENS_MS = 900;

let library = null;
const loadHls = () => (library ??= import('/static/vendor/hls.mjs').then((module) => module.default, (error) => {
  library = null;
  throw error;
}));

/**
 * Play the show's video in `stage`. `onChange()` is called when its state changes; `state` is one of
 * "poster", "starting", "playing", "lost". `pictureMs()` is the server's time of the frame that is seen, or null.
 * `fast` is the viewer's FastChoice; without one it plays HLS. `film` is what the page knows of the film already.
 */
export function createPlayer(stage, { liveId, load = () => get(`/api/live/${liveId}/video`, { timeoutMs: 6000 }), onChange = () => {}, muted = true, fast = null, film = null }) {
  return new Player(stage, { load, onChange, muted, fast, film });
}

class Player {
  state = 'poster';

  #hls = null;
  #info = { status: 'off', rev: -1, hls: '' };
  #heard = -1; // the newest news; an answer that is older was on its way, or kept for many (0.5 s)
  #tries = 0;
  #timer = 0;
  #movedAt = 0;
  #lastTime = -1;
  #asking = null;
  #wish = 'auto';
  #away = 0;

  constructor(stage, { load, onChange, muted, fast, film }) {
    Object.assign(this, { stage, load, onChange, fast });
    this.#heard = film?.rev ?? -1;
    this.video = h('video.frame.film', { playsInline: true, muted, autoplay: true, hidden: true, disableRemotePlayback: true, 'aria-label': t('Live video') });
    // A picture that is only decoded, never shown, would be throttled; over the poster it covers it when it moves.
    const poster = stage.querySelector('#poster');
    if (poster) poster.after(this.video);
    else stage.prepend(this.video);
    this.video.addEventListener('playing', () => this.#set('playing'));
    this.video.addEventListener('volumechange', () => this.onChange());
    setInterval(() => this.#watch(), 500);
    setInterval(() => { if (this.state === 'lost' || this.state === 'starting') this.ask(); }, ASK_MS * (0.8 + Math.random() * 0.4));
    setInterval(() => { if (this.state === 'poster') this.ask(); }, REST_MS * (0.8 + Math.random() * 0.4));
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.state !== 'playing') this.ask(); });
    if (fast) document.addEventListener('visibilitychange', () => this.#looked());
  }

  /** Ask the server what there is to play, and do it. */
  ask() {
    this.#asking ??= this.load().then((info) => (info.rev < this.#heard ? this.#again() : this.take(info)), () => this.#later()).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** What the page knows of the film, as often as it likes: {rev, status, kind, small}. */
  hear({ rev, status, small }) {
    if (rev <= Math.max(this.#heard, this.#info.rev)) return;
    this.#heard = rev;
    if (status === 'off' || status === 'over') this.take({ ...this.#info, rev, status, hls: '' });
    else if (this.#hls && status !== 'on') this.take({ ...this.#info, rev, status });
    else setTimeout(() => this.ask(), Math.random() * (this.#hls && small === !this.#hasTwo ? CHANGE_MS : SPREAD_MS));
  }

  get #hasTwo() { return this.#info.hls.includes('/master.m3u8'); }

  take(info) {
    const before = this.#info;
    this.#info = info;
    if (!info.hls) return this.#stop();
    const isFast = this.#mayFast();
    const isSame = this.#hls && pathOf(before.hls) === pathOf(info.hls) && this.isFast === isFast;
    // The same show again after an outage: what plays goes on by itself, tokens and all.
    if (!isSame || this.video.error) this.#start(info, isFast);
    else if (before.status === 'lost' && info.status === 'on') this.#hls.startLoad?.(-1);
    if (!isSame) this.#set('starting');
    this.onChange();
  }

  async #start(info, isFast) {
    this.#end();
    if (isFast) return this.#startFast(info);
    const Hls = await loadHls().catch(() => null);
    if (!Hls) return this.#later();
    if (this.#info !== info) return undefined;
    if (!Hls.isSupported()) return this.#startNative(info);
    this.#hls = new Hls(HLS_CONFIG);
    this.#hls.on(Hls.Events.ERROR, (_name, data) => this.#failed(Hls, data));
    this.#hls.on(Hls.Events.MANIFEST_PARSED, () => this.#choose());
    this.#hls.on(Hls.Events.FRAG_LOADED, () => { this.#tries = 0; });
    this.#hls.loadSource(info.hls);
    this.#hls.attachMedia(this.video);
    this.#play();
    return undefined;
  }

  async #startFast(info) {
    const failed = (isHopeless) => {
      if (film && this.#hls !== film) return;
      this.fast.failed(isHopeless);
      this.#later();
    };
    let film = null;
    try {
      film = await openFast(this.video, info, failed, () => this.#info === info);
    } catch {
      return failed(true);
    }
    if (!film) return undefined;
    this.#hls = film;
    this.#play();
    return undefined;
  }

  /** What plays now: the fast picture, or HLS. */
  get isFast() { return Boolean(this.#hls?.isFast); }

  /** Whether there is a fast picture to choose here and now. */
  get canFast() { return Boolean(this.fast?.can(this.#info)); }

  #mayFast() { return Boolean(this.fast?.may(this.#info, this.isFast)); }

  /** A break of the show: the fast picture ends, and comes back after it. */
  hold(isHeld) {
    if (!this.fast || this.fast.isHeld === isHeld) return;
    this.fast.isHeld = isHeld;
    if (isHeld && this.isFast) this.#end();
    else if (!isHeld && this.fast.isWanted) setTimeout(() => this.ask(), OPENS_MS);
  }

  #looked() {
    clearTimeout(this.#away);
    const turn = (isAway) => {
      this.fast.isAway = isAway;
      if (this.fast.isWanted) this.ask();
    };
    if (document.hidden) this.#away = setTimeout(() => { if (!document.pictureInPictureElement) turn(true); }, AWAY_MS);
    else if (this.fast.isAway) turn(false);
  }

  #startNative(info) {
    this.#hls = { destroy: () => { this.video.removeAttribute('src'); this.video.load(); }, startLoad: () => this.#play() };
    this.video.src = info.hls;
    this.video.addEventListener('error', () => this.#later(), { once: true });
    this.#play();
  }

  #play() {
    this.video.play().catch(() => {
      // A browser that refuses sound plays without; one that refuses all shows what a tap does.
      this.video.muted = true;
      this.video.play().catch(() => {});
    });
  }

  #failed(Hls, data) {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.#tries < 2) {
      this.#tries += 1;
      this.#hls.recoverMediaError();
      return;
    }
    this.#later();
  }

  /** Something is broken: ask anew a little later, with a new token. */
  #later() {
    this.#end();
    if (this.state === 'playing') this.#set('lost');
    this.#again();
  }

  #again() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)] * (0.7 + Math.random() * 0.6));
    this.#tries += 1;
  }

  /** Twice a second: does the picture move? */
  #watch() {
    if (!this.#hls) return;
    const now = performance.now();
    if (this.video.currentTime !== this.#lastTime) {
      this.#lastTime = this.video.currentTime;
      this.#movedAt = now;
      if (this.isFast) this.fast.worked(this.#hls.playedMs);
      if (this.state === 'lost' && !this.video.paused) this.#set('playing');
    } else if (this.state === 'playing' && now - this.#movedAt > STALLED_MS && !this.video.paused) this.#set('lost');
    else if (this.state === 'lost' && this.#info.status === 'on' && now - this.#movedAt > (this.isFast ? FAST_STUCK_MS : STUCK_MS) && !this.video.paused) {
      this.#movedAt = now;
      if (this.isFast) this.fast.failed(true);
      this.#later();
      return;
    }
    // HLS in its stead has played long enough.
    if (!this.isFast && this.state === 'playing' && this.#mayFast()) this.ask();
    const { seekable } = this.video;
    // Asleep in the background or long cut off: back to where the show is.
    if (this.#hls.liveSyncPosition && seekable.length && this.#hls.liveSyncPosition - this.video.currentTime > 15) this.video.currentTime = this.#hls.liveSyncPosition;
  }

  #set(state) {
    if (state === 'playing') {
      this.#movedAt = performance.now();
      this.video.hidden = false;
      this.stage.dataset.picture = this.isFast ? this.#hls.kind : 'usual';
    }
    if (state === this.state) return;
    this.state = state;
    this.stage.dataset.film = state;
    this.onChange();
  }

  #end() {
    this.#hls?.destroy();
    this.#hls = null;
  }

  #stop() {
    this.#end();
    this.video.hidden = true;
    this.#set('poster');
    this.onChange();
  }

  /** Server time (ms) of the frame that is seen now, or null when nobody can say. */
  pictureMs() {
    if (this.isFast || this.state === 'poster' || this.state === 'starting' || this.#info.sync !== 'pdt') return null;
    const native = this.video.getStartDate?.();
    const date = this.#hls?.playingDate ?? (native && !Number.isNaN(native.getTime()) ? new Date(native.getTime() + this.video.currentTime * 1000) : null);
    return date ? date.getTime() - this.#info.skew_ms : null;
  }

  /** Short sides of the pictures to choose from, in points (0: not known), the best first; at most one: no choice. */
  get qualities() {
    return (this.#hls?.levels ?? []).map(({ width = 0, height = 0 }) => Math.min(width, height)).reverse();
  }

  /** "auto" goes by the line; "best" or "small" stays. */
  wish(quality) {
    if (quality === this.#wish) return;
    this.#wish = quality;
    this.#choose();
  }

  #choose() {
    const { levels = [] } = this.#hls ?? {};
    // hls.js sorts by what they take: the smallest is the first.
    const level = { best: levels.length - 1, small: 0 }[this.#wish] ?? -1;
    if (levels.length > 1 && (level >= 0 || !this.#hls.autoLevelEnabled)) this.#hls.nextLevel = level;
  }

  get status() { return this.#info.status; }

  get latency() { return this.#hls?.latency ?? null; }
}

const pathOf = (url) => url.split('/').filter((part) => !/^\d+-/.test(part)).join('/').split('?')[0];

/** Buttons over the film: sound, and picture in picture where the browser has it. */
export function createFilmButtons(stage, player) {
  const tap = $('[data-unmute]', stage);
  const pip = $('[data-pip]', stage);
  const turn = (muted) => {
    player.video.muted = muted;
    if (!muted) player.video.play().catch(() => {});
  };
  tap?.addEventListener('click', () => turn(!player.video.muted));
  pip?.addEventListener('click', () => (document.pictureInPictureElement ? document.exitPictureInPicture() : player.video.requestPictureInPicture()).catch(() => {}));
  let shown = null;
  return {
    paint() {
      const isOn = player.state === 'playing' || player.state === 'lost';
      show(tap, isOn);
      show(pip, isOn && Boolean(document.pictureInPictureEnabled));
      const { muted } = player.video;
      if (!tap || muted === shown) return;
      shown = muted;
      setAttr(tap, 'aria-pressed', String(!muted));
      tap.classList.toggle('loud', muted);
      tap.replaceChildren(icon(muted ? 'mute' : 'sound'), h('span', {}, muted ? t('Tap for sound') : ''));
      tap.setAttribute('aria-label', muted ? t('Tap for sound') : t('Sound off'));
    },
  };
}

/** What the film's place says when there is no moving picture, or "" when there is. */
export function filmWords(player, showState) {
  if (showState === 'paused' || showState === 'ended') return '';
  if (player.state === 'lost') return t('The picture is cut off. It comes back by itself.');
  if (player.state === 'starting') return t('The picture is coming.');
  return '';
}
