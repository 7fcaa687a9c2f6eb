// The control page's video: sends the host's camera, shows the key for OBS, and tells the truth about the picture.

import { $, $$, h, icon, on, setAttr, setText, show } from '/static/js/dom.js';
import { t, time } from '/static/js/i18n.js';
import { ApiError, get, post } from '/static/js/api.js';
import { confirm } from '/static/js/ui/dialog.js';
import { Sender, canSend, devices, levelOf, openCamera } from '/static/js/video/camera.js';
import { createPlayer } from '/static/js/video/player.js';
import { advice, headWords, secondWords, truthOf } from '/static/js/video/truth.js';
import { WhipSender, canWhip } from '/static/js/video/whip.js';

const LOOK_MS = 2000;
const CHOICE = 'livestall.camera';

export function createVideoDesk(ctx) {
  return new VideoDesk(ctx);
}

class VideoDesk {
  #info = null;
  #stream = null;
  #level = null;
  #player = null;
  #isMuted = false;
  #isWhipUseless = false;
  #turn = 0; // counts what was asked of the camera
  #goesOn = false; // what was sent goes on with the camera that is being opened
  #choice = { camera: '', microphone: '', isPortrait: true, ...JSON.parse(localStorage.getItem(CHOICE) ?? '{}') };

  constructor(ctx) {
    this.ctx = ctx;
    this.path = `/api/live/${ctx.liveId}/video`;
    this.dialog = $('#video-desk');
    this.sender = this.#sender();
    $('#film-health').addEventListener('click', () => this.open());
    this.dialog.addEventListener('close', () => this.#closed());
    this.#wireTabs();
    this.#wireCamera();
    this.#wireKey();
    this.#look();
    setInterval(() => this.#look(), LOOK_MS);
    setInterval(() => this.#paintLevel(), 100);
    addEventListener('pagehide', () => this.sender.stop());
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.#player ??= createPlayer($('#mini'), { liveId: this.ctx.liveId, load: async () => this.#watchInfo(await this.#ask()), onChange: () => this.#paintTruth() });
    this.#player.ask();
    if (canSend() && !this.#stream && this.#info?.can_browser !== false) this.#startCamera();
    this.paint();
  }

  #closed() {
    // The camera's light goes out when nothing is sent.
    if (this.sender.state === 'idle' && !this.#goesOn) this.#stopCamera();
  }

  // -- What is known ------------------------------------------------------------------------------------------------

  async #ask() {
    this.#info = await get(`${this.path}/desk`, { repeat: false, timeoutMs: 5000 });
    return this.#info;
  }

  /** Which picture there is to see, if any: going on air moves it from the private to the public address. */
  get #shown() { return this.#info && this.#watchInfo(this.#info).hls.split('/')[3]; }

  #watchInfo(info) {
    const isThere = info.health?.ready || info.status === 'on' || info.adapter === 'external';
    return { ...(info.watch ?? { hls: '', skew_ms: 0, sync: 'none' }), rev: Date.now(), status: isThere ? 'on' : 'off', ...(isThere ? {} : { hls: '' }) };
  }

  async #look() {
    try {
      const before = this.#shown;
      await this.#ask();
      if (this.#player && before !== this.#shown) this.#player.ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    this.paint();
  }

  // -- Camera -------------------------------------------------------------------------------------------------------

  #wireCamera() {
    for (const [selector, name] of [['#pick-camera', 'camera'], ['#pick-mic', 'microphone']]) $(selector).addEventListener('change', ({ target }) => this.#choose({ [name]: target.value }));
    on(this.dialog, 'click', '[data-shape]', (_event, button) => this.#choose({ isPortrait: button.dataset.shape === 'portrait' }));
    $('#mute-mic').addEventListener('click', () => {
      this.#isMuted = !this.#isMuted;
      this.#stream?.getAudioTracks().forEach((track) => { track.enabled = !this.#isMuted; });
      this.paint();
    });
    $('#own-form').addEventListener('submit', (event) => { event.preventDefault(); this.#saveOwn(); });
  }

  async #choose(change) {
    Object.assign(this.#choice, change);
    localStorage.setItem(CHOICE, JSON.stringify(this.#choice));
    await this.#startCamera();
  }

  async #startCamera() {
    if (this.sender.state !== 'idle') {
      this.sender.stop();
      this.#goesOn = true;
    }
    this.#stopCamera();
    const turn = this.#turn;
    let stream;
    try {
      stream = await this.#openChosen();
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#goesOn = false;
      this.#cameraWords(error.name === 'NotAllowedError' ? t('The browser may not use the camera. Allow it beside the address, then try again.') : t('No camera was found.'));
      return;
    }
    // Another choice, or the dialog closed while the browser asked: nobody would switch this one off.
    if (turn !== this.#turn) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.#stream = stream;
    stream.getAudioTracks().forEach((track) => { track.enabled = !this.#isMuted; });
    $('#camera-preview').srcObject = this.#stream;
    this.#level = levelOf(this.#stream);
    this.#cameraWords('');
    await this.#paintDevices();
    if (turn !== this.#turn) return;
    if (this.#goesOn) this.#send();
    this.#goesOn = false;
    this.paint();
  }

  async #openChosen() {
    try {
      return await openCamera(this.#choice);
    } catch (error) {
      // A device that was chosen once and is not here today.
      if (error.name !== 'OverconstrainedError' && error.name !== 'NotFoundError') throw error;
      return openCamera({ isPortrait: this.#choice.isPortrait });
    }
  }

  #stopCamera() {
    this.#turn += 1;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#level?.close();
    this.#stream = this.#level = $('#camera-preview').srcObject = null;
  }

  #cameraWords(text) {
    setText($('#camera-words'), text);
    show($('#camera-words'), Boolean(text));
  }

  async #paintDevices() {
    const found = await devices();
    if (!this.#stream) return; // switched off meanwhile
    for (const [selector, kind, track] of [['#pick-camera', 'camera', this.#stream.getVideoTracks()[0]], ['#pick-mic', 'microphone', this.#stream.getAudioTracks()[0]]]) {
      const used = track?.getSettings().deviceId;
      $(selector).replaceChildren(...found.filter((one) => one.kind === kind).map(({ id, label }, place) => h('option', { value: id, selected: id === used }, label || `${kind === 'camera' ? t('Camera') : t('Microphone')} ${place + 1}`)));
    }
  }

  #sender() {
    const more = { liveId: this.ctx.liveId, onChange: () => this.paint() };
    if (!this.#info?.whip || this.#isWhipUseless || !canWhip()) return new Sender(more);
    // Where no UDP gets through the picture goes as a recording over the socket, as it does without Janus.
    const useless = () => {
      this.#isWhipUseless = true;
      this.sender.stop();
      this.#send();
    };
    return new WhipSender({ ...more, url: this.#info.whip, useless });
  }

  #send() {
    this.sender = this.#sender();
    this.sender.start(this.#stream);
  }

  async #goOnAir() {
    if (this.sender.state === 'idle') this.#send();
    await this.ctx.act('go_live');
  }

  #paintActs() {
    const { state } = this.ctx.store.state.show;
    const isSending = this.sender.state !== 'idle';
    const key = `${state} ${isSending} ${Boolean(this.#stream)}`;
    const box = $('#camera-acts');
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    const make = (text, name, deed, cls = '') => h(`button.btn${cls}`, { type: 'button', onclick: deed }, icon(name), text);
    const acts = [];
    if (!this.#stream) acts.push(make(t('Switch the camera on'), 'video', () => this.#startCamera(), '.act'));
    else if (isSending) acts.push(make(t('Stop sending'), 'stop', () => { this.sender.stop(); this.paint(); }, '.danger'));
    else {
      if (state === 'scheduled') acts.push(make(t('Go on air with this picture'), 'video', () => this.#goOnAir(), '.act'));
      acts.push(make(state === 'scheduled' ? t('Send it to staff only') : t('Send this picture'), 'send', () => this.#send(), state === 'scheduled' ? '' : '.act'));
    }
    box.replaceChildren(...acts);
  }

  #paintLevel() {
    if (this.#level && this.dialog.open) $('#camera-level').style.setProperty('--w', `${Math.round(this.#level.read() * 100)}%`);
  }

  // -- OBS, and an address of one's own -----------------------------------------------------------------------------

  #wireTabs() {
    const tabs = $$('[role="tab"]', this.dialog);
    const choose = (tab) => {
      for (const one of tabs) {
        const isIt = one === tab;
        setAttr(one, 'aria-selected', String(isIt));
        one.tabIndex = isIt ? 0 : -1;
        show($(`#${one.getAttribute('aria-controls')}`), isIt);
      }
      if (tab.id === 'tab-obs') this.#showKey(get(`${this.path}/key`));
    };
    for (const tab of tabs) {
      tab.addEventListener('click', () => choose(tab));
      tab.addEventListener('keydown', ({ key }) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
        if (!step) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
        next.focus();
        choose(next);
      });
    }
  }

  #wireKey() {
    on(this.dialog, 'click', '[data-copy]', async (_event, { dataset }) => {
      const field = $(`#${dataset.copy}`);
      try {
        await navigator.clipboard.writeText(field.value);
        this.ctx.said(t('Copied.'));
      } catch {
        field.type = 'text';
        field.select();
      }
    });
    $('#second-picture').addEventListener('click', () => this.#saveSecond());
    $('#rotate-key').addEventListener('click', async () => {
      if (await confirm({ title: t('Make a new stream key?'), text: t('Whoever sends with the old one is cut off at once.'), act: t('Make a new key') })) await this.#showKey(post(`${this.path}/key`, {}));
    });
  }

  async #showKey(asked) {
    try {
      const { server, key, until } = await asked;
      $('#rtmp-server').value = server;
      $('#rtmp-key').value = key;
      setText($('#key-until'), until ? t('It ends on {time}.', { time: time(until, 'datetime') }) : t('Nothing can be sent to us here.'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.ctx.said(error.message, 'urgent');
    }
  }

  async #saveOwn() {
    try {
      this.#info = await post(`${this.path}/external`, { url: $('#own-url').value.trim() });
      this.ctx.said(this.#info.external_url ? t('Viewers now see the picture of that address.') : t('Viewers see what is sent to us.'));
      this.#player?.ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.ctx.said([error.message, ...Object.values(error.fields).flat()].join(' '), 'urgent');
    }
    this.paint();
  }

  async #saveSecond() {
    try {
      this.#info = await post(`${this.path}/small`, { on: this.#info?.small !== 'on' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.ctx.said(error.message, 'urgent');
    }
    this.paint();
  }

  // -- The truth ----------------------------------------------------------------------------------------------------

  paint() {
    if (!this.#info) return;
    const [word, isBad] = headWords(this.#info, this.ctx.store.state.show, this.sender);
    const head = $('#film-health');
    setText($('span', head), word);
    $('i', head).className = isBad === null ? 'off' : isBad ? 'bad' : '';
    setAttr($('#mute-mic'), 'aria-pressed', String(this.#isMuted));
    setText($('#mute-mic span'), this.#isMuted ? t('Microphone is off') : t('Microphone off'));
    for (const button of $$('[data-shape]', this.dialog)) setAttr(button, 'aria-pressed', String((button.dataset.shape === 'portrait') === this.#choice.isPortrait));
    if (!canSend()) this.#cameraWords(t('This browser cannot send a camera. On a phone the address must begin with https.'));
    else if (this.sender.problem) this.#cameraWords(this.sender.problem === 'type' ? t('This browser cannot record video. Use OBS, or another browser.') : this.sender.problem);
    this.#paintActs();
    this.#paintTruth();
  }

  #paintTruth() {
    if (!this.dialog.open || !this.#info) return;
    const seen = this.#player?.pictureMs();
    const delay = seen ? (this.ctx.nowMs() - seen) / 1000 : null;
    const rows = truthOf(this.#info, { delay, sender: this.sender });
    $('#truth').replaceChildren(...rows.map(({ name, value, isBad }) => h('div', {}, h('dt', {}, name), h(`dd${isBad ? '.bad' : ''}`, {}, value))));
    const text = advice(this.#info);
    setText($('#truth-advice'), text);
    show($('#truth-advice'), Boolean(text));
    const second = secondWords(this.#info);
    show($('#second'), Boolean(second));
    if (!second) return;
    setAttr($('#second-picture'), 'aria-checked', String(second.isOn));
    setText($('#second-words'), second.text);
    $('#second-words').classList.toggle('bad', second.isBad);
  }
}

