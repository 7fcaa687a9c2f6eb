// The picture by WebRTC, a few tenths of a second late, where the server has Janus: it makes the offer, we the answer.

import { post } from '/static/js/api.js';

// Packets come within a second of the answer, or some box on the way lets no UDP through.
const SILENT_MS = 6000;
const GATHER_MS = 1000;

export const canRtc = () => Boolean(globalThis.RTCPeerConnection);

/** When all addresses of this side are known, or enough time is over: Janus is told in one piece. */
export function gathered(peer) {
  if (peer.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_MS);
    peer.addEventListener('icegatheringstatechange', () => {
      if (peer.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Plays in `video` until destroy(); `failed(hasPlayed)` is called once when it cannot go on. */
export class RtcFilm {
  isFast = true;

  kind = 'rtc';

  #isOver = false;
  #hasPlayed = false;
  #since = performance.now();
  #silence = 0;

  constructor(video, { url, scope, token }, failed) {
    Object.assign(this, { video, failed });
    this.peer = new RTCPeerConnection();
    this.stream = new MediaStream();
    this.peer.addEventListener('track', ({ track }) => this.stream.addTrack(track));
    this.peer.addEventListener('connectionstatechange', () => { if (['failed', 'closed', 'disconnected'].includes(this.peer.connectionState)) this.#fail(); });
    video.addEventListener('playing', this.#plays);
    video.srcObject = this.stream;
    this.#silence = setTimeout(() => this.#fail(), SILENT_MS);
    this.#open(url, { scope, token }).catch(() => this.#fail());
  }

  async #open(url, right) {
    const { peer: name, sdp } = await post(url, right);
    if (this.#isOver) return;
    await this.peer.setRemoteDescription({ type: 'offer', sdp });
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    await gathered(this.peer);
    if (!this.#isOver) await post(`${url}/${name}`, { sdp: this.peer.localDescription.sdp });
  }

  #plays = () => {
    this.#hasPlayed = true;
    clearTimeout(this.#silence);
  };

  #fail() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.failed(this.#hasPlayed);
  }

  get playedMs() { return this.#hasPlayed ? performance.now() - this.#since : 0; }

  latency = null;

  destroy() {
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.video.removeEventListener('playing', this.#plays);
    this.peer.close();
    this.video.srcObject = null;
  }
}
