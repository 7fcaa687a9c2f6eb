// What the control page says about the picture. Pure: from the server's answer (GET …/video/desk) to words.

import { number, t } from '/static/js/i18n.js';

// Pieces are cut at keyframes: a longer interval is a longer delay for everybody, whatever else is done.
const LONG_KEY_MS = 1500;
const CODEC_H264 = [7, 'avc1', '7'];

/** [words, is it bad? null: there is no picture]. */
export function headWords(info, live, sender) {
  const { stream } = info.health ?? {};
  if (info.adapter === 'external') return [t('Picture from your address'), false];
  if (info.adapter === 'off') return [t('Poster instead of video'), null];
  if (info.health?.office === false) return [t('Media server is away'), true];
  if (sender.state === 'lost' || stream?.lost) return [t('Picture is cut off'), true];
  if (!stream) return [t('No picture yet'), live.state === 'live' ? true : null];
  if (stream.key_ms > LONG_KEY_MS || !stream.sound) return [t('Picture {fps} fps, see here', { fps: number(Math.round(stream.fps)) }), true];
  return [live.state === 'live' ? t('Picture is on') : t('Picture, staff only'), false];
}

/** [{name, value, isBad}] of what is known. */
export function truthOf(info, { delay = null, sender }) {
  const { stream } = info.health ?? {};
  if (!stream) return [{ name: t('Picture'), value: info.adapter === 'external' ? t('from your address') : t('nothing comes'), isBad: info.adapter !== 'external' }];
  const wanted = stream.wanted_fps || 0;
  const missing = wanted ? Math.max(0, Math.round(wanted - stream.fps)) : 0;
  return [
    { name: t('Comes from'), value: { browser: t('a camera in a browser'), whip: t('a camera, by WebRTC'), demo: t('the demo programme') }[stream.by] ?? 'OBS / RTMP' },
    stream.width && { name: t('Size'), value: `${stream.width} × ${stream.height}` },
    { name: t('Bitrate'), value: `${number(stream.kbps ?? 0)} kbit/s`, isBad: stream.lost || stream.kbps > 4500 },
    { name: t('Frame rate'), value: `${number(stream.fps ?? 0)} fps`, isBad: stream.fps < 10 },
    { name: t('Keyframe every'), value: stream.key_ms ? `${number(Math.round(stream.key_ms / 100) / 10)} s` : '–', isBad: stream.key_ms > LONG_KEY_MS },
    { name: t('Frames that are missing'), value: t('{n} a second', { n: number(missing) }), isBad: missing > 2 },
    sender.dropped > 0 && { name: t('Sent less, line too slow'), value: number(sender.dropped), isBad: true },
    { name: t('Sound'), value: stream.sound ? t('yes') : t('none'), isBad: !stream.sound },
    { name: t('Delay to viewers'), value: delay === null ? '–' : `${number(Math.round(delay * 10) / 10)} s`, isBad: delay > 5 },
    { name: t('Recording'), value: info.recording === 'on' ? t('yes') : t('stopped'), isBad: info.recording !== 'on' },
  ].filter(Boolean);
}

/** {isOn, text, isBad} of the second picture, or null where there can be none. */
export function secondWords({ adapter, small = 'off', health = {} }) {
  if (adapter !== 'embedded') return null;
  const isOn = small === 'on';
  const texts = {
    off: t('For viewers with a slow line: their page changes to it by itself. It takes a quarter of a core of this machine.'),
    behind: t('It was switched off by itself: this machine did not keep up. Viewers see the picture as you send it.'),
    needless: t('It was switched off by itself: the picture that you send is small already.'),
  };
  if (!isOn) return { isOn, text: texts[small], isBad: small !== 'off' };
  const { late } = health.small ?? {};
  if (late === undefined) return { isOn, text: t('It begins when you are on air with a picture.'), isBad: false };
  return late > 2.5 ? { isOn, text: t('It is {seconds} s behind. If it falls further, it is switched off by itself.', { seconds: number(Math.round(late)) }), isBad: true } : { isOn, text: t('It is on. Viewers with a slow line change to it by themselves.'), isBad: false };
}

/** What to do about the worst of it, in words, or "". */
export function advice(info) {
  const { stream, office, low_disk: isLow } = info.health ?? {};
  if (office === false) return t('The media server does not answer. It is started again by itself; the sale goes on meanwhile.');
  if (isLow || info.recording === 'stopped') return t('The disk is nearly full: the show goes on, recording has stopped. Delete old recordings to go on recording.');
  if (!stream) return '';
  if (stream.codec && !CODEC_H264.includes(stream.codec)) return t('The picture is not H.264. Choose x264 or H.264 as the encoder.');
  if (stream.key_ms > LONG_KEY_MS) return t('Set the keyframe interval to 1 s (OBS: Settings, Output, Streaming). Now viewers are late by {seconds} s more than needed.', { seconds: number(Math.round((stream.key_ms - 1000) / 500)) });
  if (!stream.sound) return t('No sound comes. Check the microphone, and whether it is muted.');
  return '';
}
