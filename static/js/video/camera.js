// The host's camera: devices, preview, level, and sending: MediaRecorder → a socket of its own → FFmpeg on the server.

import { io } from 'socket.io-client';
import { OPTIONS } from '/static/js/live/socket.js';

// Pieces below the server's limit of 16 KB a message. A recording is cut every 200 ms: less delay costs more messages.
const PIECE_BYTES = 14 * 1024;
const SLICE_MS = 200;
const ACK_MS = 8000;
// More than this on its way: the line is too slow for the picture, and a delay that grows helps nobody.
const MOST_WAITING_BYTES = 2_000_000;
const RATES = [1_800_000, 1_000_000, 600_000];
const AGAIN_MS = [300, 1000, 2000, 3000];
const TYPES = [
  ['video/webm;codecs=h264,opus', 'webm-h264'], ['video/mp4;codecs=avc1.42E01F,mp4a.40.2', 'mp4'], ['video/mp4', 'mp4'],
  ['video/webm;codecs=vp8,opus', 'webm'], ['video/webm', 'webm'],
];

/** Whether this browser can send at all: a phone needs https for its camera (localhost is enough for trying). */
export const canSend = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

/** [mime type, what the server calls it] of what this browser records, H.264 first: it need not be encoded again. */
export const recordable = () => TYPES.find(([type]) => MediaRecorder.isTypeSupported(type)) ?? null;

/** Cameras and microphones: [{id, label, kind}]. Names are known after the first permission. */
export async function devices() {
  const found = await navigator.mediaDevices.enumerateDevices();
  return found.filter(({ kind, deviceId }) => kind !== 'audiooutput' && deviceId).map(({ deviceId, label, kind }) => ({ id: deviceId, label, kind: kind === 'videoinput' ? 'camera' : 'microphone' }));
}

/** The camera and microphone that were chosen, upright or wide. */
export function openCamera({ camera = '', microphone = '', isPortrait = true, longSide = 1280 } = {}) {
  const shortSide = Math.round((longSide * 9) / 16);
  const [width, height] = isPortrait ? [shortSide, longSide] : [longSide, shortSide];
  return navigator.mediaDevices.getUserMedia({
    video: { ...(camera && { deviceId: { exact: camera } }), width: { ideal: width, max: width }, height: { ideal: height, max: height }, frameRate: { ideal: 30, max: 30 }, resizeMode: 'crop-and-scale' },
    audio: { ...(microphone && { deviceId: { exact: microphone } }), echoCancellation: true, noiseSuppression: true },
  });
}

/** How loud it is, 0 to 1, for as long as the stream lives. */
export function levelOf(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  return {
    read() {
      analyser.getByteTimeDomainData(samples);
      const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one - 128)), 0);
      return Math.min(1, peak / 100);
    },
    close: () => context.close().catch(() => {}),
  };
}

/**
 * Sends a stream until stop(); begins again by itself after every cut. `onChange()` when `state` changes:
 * "idle", "connecting", "sending", "lost", "refused" (with `problem`).
 */
export class Sender {
  state = 'idle';

  problem = '';

  dropped = 0;

  #socket = null;
  #recorder = null;
  #queue = Promise.resolve();
  #waiting = 0;
  #sent = [];
  #tries = 0;
  #rate = 0;
  #timer = 0;

  constructor({ liveId, onChange }) {
    Object.assign(this, { liveId, onChange });
  }

  start(stream) {
    this.stream = stream;
    this.#rate = 0;
    this.#socket ??= this.#connect();
    this.#set('connecting');
    if (this.#socket.connected) this.#open();
    else this.#socket.connect();
  }

  #connect() {
    // A line of its own: a picture that waits must not keep the controls waiting.
    const socket = io(undefined, { ...OPTIONS, forceNew: true });
    socket.on('connect', () => { if (this.stream) this.#open(); });
    socket.on('disconnect', () => { if (this.stream) this.#cut('lost'); });
    return socket;
  }

  async #open() {
    const [type, kind] = recordable() ?? [];
    if (!type) return this.#set('refused', 'type');
    try {
      const answer = await this.#socket.timeout(ACK_MS).emitWithAck('video_open', { live_id: this.liveId, kind });
      if (!answer.ok) return answer.code === 'no_video_engine' ? this.#again(answer.message) : this.#set('refused', answer.message);
    } catch {
      return this.#again();
    }
    if (this.stream) this.#record(type);
    return undefined;
  }

  #record(type) {
    this.#waiting = 0;
    this.#queue = Promise.resolve();
    const recorder = new MediaRecorder(this.stream, { mimeType: type, videoBitsPerSecond: RATES[this.#rate], audioBitsPerSecond: 96_000, videoKeyFrameIntervalDuration: 1000 });
    this.#recorder = recorder;
    recorder.addEventListener('dataavailable', ({ data }) => { if (data.size && this.#recorder === recorder) this.#queue = this.#queue.then(() => this.#send(recorder, data)); });
    recorder.addEventListener('error', () => this.#cut('lost', true));
    recorder.start(SLICE_MS);
    this.#set('sending');
  }

  async #send(recorder, blob) {
    const bytes = await blob.arrayBuffer();
    for (let at = 0; at < bytes.byteLength && this.#recorder === recorder; at += PIECE_BYTES) {
      const piece = bytes.slice(at, at + PIECE_BYTES);
      this.#waiting += piece.byteLength;
      this.#socket.timeout(ACK_MS).emit('video_chunk', { live_id: this.liveId, data: piece }, (error, answer) => {
        if (this.#recorder !== recorder) return;
        this.#waiting -= piece.byteLength;
        if (error || !answer?.ok) this.#cut('lost', true, answer?.code === 'ingest_slow');
        else {
          this.#tries = 0;
          this.#note(piece.byteLength);
        }
      });
    }
    if (this.#recorder === recorder && this.#waiting > MOST_WAITING_BYTES) this.#cut('lost', true, true);
  }

  #note(bytes) {
    const now = performance.now();
    this.#sent = [...this.#sent.filter(({ at }) => now - at < 3000), { at: now, bytes }];
  }

  /** What leaves this browser, kbit/s over the last 3 s. */
  get kbps() {
    const now = performance.now();
    return Math.round((this.#sent.filter(({ at }) => now - at < 3000).reduce((sum, { bytes }) => sum + bytes, 0) * 8) / 3000);
  }

  #cut(state, isAgain = false, isSlow = false) {
    const recorder = this.#recorder;
    this.#recorder = null;
    if (recorder && recorder.state !== 'inactive') recorder.stop();
    if (isSlow) {
      this.dropped += 1;
      this.#rate = Math.min(this.#rate + 1, RATES.length - 1);
    }
    this.#set(state);
    if (isAgain) this.#again();
  }

  #again(problem = '') {
    this.#set('lost', problem);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { if (this.stream && this.#socket.connected) this.#open(); }, AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)]);
    this.#tries += 1;
  }

  stop() {
    this.stream = null;
    clearTimeout(this.#timer);
    this.#cut('idle');
    this.#socket?.emit('video_close', { live_id: this.liveId });
  }

  #set(state, problem = '') {
    this.problem = problem;
    this.state = state;
    this.onChange();
  }
}
