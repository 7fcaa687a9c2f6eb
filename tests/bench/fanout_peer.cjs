// The peer: a plain Node socket.io server (websocket transport, ws) that does what fanout_server.py does.
//   node fanout_peer.cjs PORT PING_MS
const http = require('node:http');
const { Server } = require('socket.io');

const [port, ping] = process.argv.slice(2).map(Number);
const FILL = 'x'.repeat(41);
const state = { told: 0, busy: false };
const event = (seq) => ({
  t: Number(process.hrtime.bigint()), seq, id: 'item-000123', k: 'stock', left: 42, price: 1999, cur: 'USD', x: FILL,
});
const sleep = (ms) => new Promise((resolve) => { if (ms > 0) setTimeout(resolve, ms); else setImmediate(resolve); });

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://here');
  if (url.pathname === '/start') {
    tell(Number(url.searchParams.get('events')), Number(url.searchParams.get('rate') ?? 0));
    response.end('started');
  } else {
    const { user, system } = process.cpuUsage();
    response.end(JSON.stringify({
      ...state, cpu: (user + system) / 1e6, rss_kb: Math.round(process.memoryUsage.rss() / 1024), sockets: io.engine.clientsCount,
    }));
  }
});
const io = new Server(server, { transports: ['websocket'], pingInterval: ping, pingTimeout: 15000, perMessageDeflate: false });
io.on('connection', (socket) => socket.join('all'));

async function tell(events, rate) {
  state.busy = true;
  const began = performance.now();
  for (let n = 0; n < events; n += 1) {
    io.to('all').emit('ev', event(state.told));
    state.told += 1;
    await sleep(rate ? began + ((n + 1) * 1000) / rate - performance.now() : 0);
  }
  state.busy = false;
}

server.listen(port, '127.0.0.1', 4096, () => console.log(server.address().port));
