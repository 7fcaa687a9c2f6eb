// The media server as one process: node-media-server, with a lock on its door that fails closed.
//
// It is started by live/video/office.py, which writes JSON lines to standard input ({keys, play, view, air, most}: who
// may publish, who may watch and how many) and reads JSON lines from standard output (what is published, and each second how well). The
// engine's own webhooks ask afterwards and let everybody in when nobody answers; here the answer is known before, and
// what is not known is refused. When standard input ends, so does this process.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createInterface } from 'node:readline';
import NodeMediaServer from 'node-media-server';
import Context from 'node-media-server/src/core/context.js';
import logger from 'node-media-server/src/core/logger.js';

const [bind, rtmpPort, flvPort] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const SLOW_BYTES = 2_000_000; // what waits for one viewer: some 8 s of picture; who is so far behind watches HLS
const SILENT_MS = 2000; // a publisher that sent nothing for so long has lost its line, whatever its socket says
const secret = randomBytes(24).toString('hex');
let doors = { keys: {}, play: '', view: '', air: [], most: 0 };
const streams = new Map(); // name → what is known of its present publisher
const viewers = new Set(); // sessions of the fast picture

const say = (event, values) => process.stdout.write(`${JSON.stringify({ event, ...values })}\n`);
for (const level of ['trace', 'debug', 'log', 'info']) logger[level] = () => {};
for (const level of ['warn', 'error']) logger[level] = (text) => process.stderr.write(`${text}\n`);

const same = (given, wanted) => typeof given === 'string' && Boolean(wanted) && given.length === wanted.length
  && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
const inTime = (seconds) => Number(seconds) * 1000 > Date.now();

function mayPublish(session) {
  const door = session.streamApp === 'live' && Object.hasOwn(doors.keys, session.streamName) && doors.keys[session.streamName];
  return Boolean(door) && same(session.streamQuery?.key, door.key) && inTime(door.until);
}

const isLocal = ({ ip }) => /^(::ffff:)?127\.|^::1/.test(ip) || ip.startsWith(`${bind}:`);

/** The packager: its password, from this machine. */
const mayPull = (session) => same(session.streamQuery?.play, doors.play) && isLocal(session);

/** A viewer's token: <until>-<HMAC of show, scope and until>. A public one opens what is on air, a private one (staff) whatever is sent. */
function mayWatch(name, { scope, token } = {}) {
  const [until] = String(token ?? '').split('-');
  const wanted = doors.view && createHmac('sha256', doors.view).update(`${name}:${scope}:${until}`).digest('hex');
  if (!wanted || !same(token, `${until}-${wanted}`) || !inTime(until)) return false;
  return scope === 'private' || (scope === 'public' && doors.air.includes(name));
}

/** What the engine itself checks next: right for whom we let in, missing for whom we do not. */
function answer(session, allowed) {
  const until = Math.floor(Date.now() / 1000) + 60;
  const sign = createHash('md5').update(`${session.streamPath}-${until}-${secret}`).digest('hex');
  session.streamQuery = allowed ? { ...session.streamQuery, sign: `${until}-${sign}` } : {};
  if (!allowed) setTimeout(() => session.close(), 200);
}

const server = new NodeMediaServer({
  bind, rtmp: { port: rtmpPort }, http: { port: flvPort }, webadmin: { enable: false },
  auth: { play: true, publish: true, secret }, record: { auto: false }, store: { path: process.argv[5] },
});

server.on('prePlay', (session) => {
  const isViewer = session.protocol === 'flv';
  const allowed = isViewer ? mayWatch(session.streamName, session.streamQuery) : mayPull(session);
  answer(session, allowed);
  if (!allowed) return;
  if (isViewer) {
    welcome(session);
    return;
  }
  // The packager starts with the key frame that waits for it, or with the next; when that frame came is its true time.
  const stream = streams.get(session.streamName);
  if (!stream) return;
  stream.run = session.streamQuery.run;
  if (stream.keyDts !== null) tellRun(stream);
});

function welcome(session) {
  const { broadcast, res: socket, sendBuffer } = session;
  // A header that promises sound where there is none keeps a player waiting for it.
  broadcast.flvHeader[4] = broadcast.flvAudioHeader ? 5 : 1;
  session.sendBuffer = (buffer) => (socket.bufferedAmount > SLOW_BYTES ? socket.terminate() : sendBuffer(buffer));
  viewers.add(session);
}

server.on('donePlay', (session) => viewers.delete(session));

function showOut(isUnwanted) {
  for (const session of viewers) if (isUnwanted(session)) session.close();
}

const isShut = (session) => !mayWatch(session.streamName, session.streamQuery);

server.on('prePublish', (session) => {
  const allowed = mayPublish(session);
  answer(session, allowed);
  if (!allowed) return say('refused', { name: session.streamName });
  const { broadcast } = session;
  if (broadcast.publisher && broadcast.publisher !== session) {
    // Whoever has the key and comes last is the host: the earlier line is dead or another of the host's programs.
    broadcast.publisher.close();
    broadcast._finishPublish();
    // With nobody watching, that forgets the place on which the new one is about to be.
    Context.broadcasts.set(session.streamPath, broadcast);
  }
});

server.on('postPublish', (session) => {
  const stream = { session, key: session.streamQuery.key, since: Date.now(), lastAt: Date.now(), keyAt: Date.now(), keyDts: null, gaps: [], bytes: 0, frames: 0, dtsSpan: [], audio: 0, video: 0, told: '' };
  streams.set(session.streamName, stream);
  showOut((viewer) => viewer.streamName === session.streamName); // another line, another clock: players begin anew
  watch(session, stream);
  say('published', { name: session.streamName, from: session.ip.replace(/:\d+$/, ''), by: session.streamQuery.by ?? 'rtmp' });
});

function tellRun(stream) {
  say('pulled', { name: stream.session.streamName, run: stream.run, key_at: stream.keyAt });
  stream.run = null;
}

function watch(session, stream) {
  const { broadcast } = session;
  const forward = broadcast.ours ?? broadcast.broadcastMessage;
  broadcast.ours = forward;
  broadcast.broadcastMessage = (packet) => {
    note(streams.get(session.streamName) ?? stream, packet);
    forward(packet);
  };
}

// Flags of a packet: 0 audio header, 1 audio, 2 video header, 3 key frame, 4 other frame, 5 metadata.
function note(stream, packet) {
  stream.lastAt = Date.now();
  stream.bytes += packet.size ?? packet.data?.length ?? 0;
  if (packet.flags === 1) stream.audio += 1;
  if (packet.flags !== 3 && packet.flags !== 4) return;
  stream.frames += 1;
  stream.video += 1;
  if (packet.flags !== 3) return;
  if (stream.keyDts !== null) stream.gaps = [...stream.gaps, packet.dts - stream.keyDts].slice(-6);
  stream.keyDts = packet.dts;
  stream.keyAt = stream.lastAt;
  if (stream.run) tellRun(stream);
}

setInterval(() => {
  const now = Date.now();
  showOut(isShut); // tokens end
  for (const [name, stream] of streams) {
    const { session, gaps } = stream;
    if (!mayPublish(session)) session.close(); // revoked or expired in the middle
    const isLost = now - stream.lastAt > SILENT_MS || session.socket?.destroyed;
    say('health', {
      name, lost: Boolean(isLost), since: stream.since, kbps: Math.round((stream.bytes * 8) / (now - (stream.asOf ?? stream.since) || 1)),
      fps: Math.round((stream.frames * 10_000) / (now - (stream.asOf ?? stream.since) || 1)) / 10, wanted_fps: session.videoFramerate || 0,
      key_ms: gaps.length ? Math.max(...gaps) : 0, width: session.videoWidth || 0, height: session.videoHeight || 0, codec: session.videoCodec || 0,
      sound: stream.audio > 0, by: session.streamQuery.by ?? 'rtmp', fast: [...viewers].filter(({ streamName }) => streamName === name).length,
    });
    Object.assign(stream, { bytes: 0, frames: 0, asOf: now });
    if (isLost && (session.socket?.destroyed || now - stream.lastAt > 30_000)) {
      streams.delete(name);
      say('gone', { name });
    }
  }
}, 1000);

createInterface({ input: process.stdin }).on('line', (line) => {
  doors = { ...doors, ...JSON.parse(line) };
  // At once, not at the next look: a key that was taken back must not bring another second.
  for (const { session } of streams.values()) if (!mayPublish(session)) session.close();
  showOut(isShut); // a break, or the end
}).on('close', () => process.exit(0));

// Only websockets to /live/<name>.flv whose token is right are answered, and none that would publish: everything else of
// the HTTP side is shut.
server.httpServer.httpServer.removeAllListeners('request');
server.httpServer.httpServer.on('request', (_request, response) => response.writeHead(404).end());
server.httpServer.wsServer.options.verifyClient = ({ req }, done) => {
  const [, name, query] = /^\/live\/([\w-]+)\.flv\?([\w=&.-]+)$/.exec(req.url) ?? [];
  const isWelcome = name && !req.headers['sec-websocket-protocol'] && mayWatch(name, Object.fromEntries(new URLSearchParams(query)));
  if (!isWelcome) return done(false, 401);
  if (!streams.has(name)) return done(false, 404);
  return viewers.size >= doors.most ? done(false, 503) : done(true);
};
server.httpServer.httpServer.on('listening', () => say('listening', { rtmp: rtmpPort, flv: flvPort }));
process.on('uncaughtException', (error) => process.stderr.write(`${error.stack}\n`)); // one bad client must not end the show
server.run();
