// The host's camera by WHIP, where the server has Janus: an offer to our own door, packets straight to Janus. It looks to
// the control page like the sender of static/js/video/camera.js, which takes its place where packets do not get through.

import { get } from '/static/js/api.js';
import { gathered } from '/static/js/video/rtc.js';

const RATE = 1_800_000;
const CONNECT_MS = 8000;
const AGAIN_MS = [300, 1000, 2000, 3000];
const MEASURE_MS = 1000;

export const canWhip = () => Boolean(globalThis.RTCPeerConnection && globalThis.RTCRtpSender?.getCapabilities?.('video')?.codecs.some(({ mimeType }) => mimeType === 'video/H264'));

/** `onChange()` when `state` changes, as in Sender; `useless()` when it never got through. */
export class WhipSender {
  state = 'idle';

  problem = '';

  dropped = 0;

  kbps = 0;

  #peer = null;
  #where = '';
  #tries = 0;
  #timer = 0;
  #measure = 0;
  #sent = 0;
  #hasWorked = false;

  constructor({ liveId, url, onChange, useless }) {
    Object.assign(this, { liveId, url, onChange, useless });
  }

  start(stream) {
    this.stream = stream;
    this.#tries = 0;
    this.#set('connecting');
    this.#open();
  }

  async #open() {
    this.#close();
    const peer = new RTCPeerConnection();
    this.#peer = peer;
    peer.addEventListener('connectionstatechange', () => { if (this.#peer === peer) this.#heard(peer.connectionState); });
    this.#timer = setTimeout(() => { if (this.#peer === peer && peer.connectionState !== 'connected') this.#again(); }, CONNECT_MS);
    try {
      await this.#offer(peer);
    } catch {
      if (this.#peer === peer) this.#again();
    }
  }

  async #offer(peer) {
    for (const track of this.stream.getTracks()) {
      const line = peer.addTransceiver(track, { direction: 'sendonly', streams: [this.stream], ...(track.kind === 'video' && { sendEncodings: [{ maxBitrate: RATE }] }) });
      if (track.kind === 'video') {
        preferH264(line);
        // A picture that changes its size in the middle of a show cannot be copied into one recording.
        const settings = line.sender.getParameters();
        settings.degradationPreference = 'maintain-resolution';
        await line.sender.setParameters(settings);
      }
    }
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const { key } = await get(`/api/live/${this.liveId}/video/key`);
    const answer = await fetch(this.url, { method: 'POST', body: peer.localDescription.sdp, headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${key.split('key=')[1]}` } });
    if (!answer.ok || this.#peer !== peer) throw new TypeError(`WHIP ${answer.status}`);
    this.#where = answer.headers.get('Location');
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  }

  #heard(state) {
    if (state === 'connected') {
      clearTimeout(this.#timer);
      this.#hasWorked = true;
      this.#tries = 0;
      this.#set('sending');
      this.#measure = setInterval(() => this.#count(), MEASURE_MS);
    } else if (state === 'failed' || state === 'disconnected' || state === 'closed') this.#again();
  }

  async #count() {
    const report = await this.#peer?.getStats();
    const bytes = [...(report?.values() ?? [])].filter(({ type }) => type === 'outbound-rtp').reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    this.kbps = this.#sent ? Math.max(0, Math.round(((bytes - this.#sent) * 8) / MEASURE_MS)) : 0;
    this.#sent = bytes;
  }

  #again() {
    this.#close();
    this.#tries += 1;
    if (!this.#hasWorked && this.#tries > 1) return this.useless();
    this.#set('lost');
    this.#timer = setTimeout(() => { if (this.stream) this.#open(); }, AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)]);
    return undefined;
  }

  #close() {
    clearTimeout(this.#timer);
    clearInterval(this.#measure);
    const peer = this.#peer;
    this.#peer = null;
    this.#sent = this.kbps = 0;
    peer?.close();
    // Janus hears of it by itself in a second; said, it is at once, and also when the page is left.
    if (this.#where) fetch(this.#where, { method: 'DELETE', keepalive: true }).catch(() => {});
    this.#where = '';
  }

  stop() {
    this.stream = null;
    this.#close();
    this.#set('idle');
  }

  #set(state) {
    this.state = state;
    this.onChange();
  }
}

function preferH264(line) {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  const rank = ({ mimeType, sdpFmtpLine = '' }) => (mimeType !== 'video/H264' ? 2 : Number(!/42e01f/i.test(sdpFmtpLine) || !/packetization-mode=1/.test(sdpFmtpLine)));
  line.setCodecPreferences([...codecs].sort((one, other) => rank(one) - rank(other)));
}
