// The npm client as pages use it. Prints what it heard, as one JSON line: fanout_client.mjs URL TRANSPORTS EVENTS SCRIPT
import { io } from 'socket.io-client';

const [url, transports, events, script] = process.argv.slice(2);
const socket = io(url, { transports: transports.split(','), reconnection: false });
const heard = [];
const seen = new Set();
socket.on('ev', ({ seq }) => { heard.push(seq); finish(); });
socket.on('mine', ({ after }) => heard.push(`mine ${after}`));
socket.on('connect_error', (error) => { console.log(JSON.stringify({ error: error.message })); process.exit(1); });
socket.io.engine.on('upgrade', () => seen.add('upgraded'));
socket.io.engine.on('packet', ({ type }) => seen.add(type));
socket.on('connect', async () => {
  console.error('connected');
  if (script) {
    const { told } = await socket.emitWithAck('script', script);
    heard.push(`ack ${told}`);
    finish();
  }
});

function finish() {
  if (heard.filter((one) => typeof one === 'number').length < Number(events)) return;
  if (script && !heard.some((one) => String(one).startsWith('ack'))) return;
  const transport = socket.io.engine.transport.name;
  console.log(JSON.stringify({ heard, transport, seen: [...seen] }));
  socket.disconnect();
}
