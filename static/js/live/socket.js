// The line to the server: joins a show, hands on frames, knows whether it can be trusted. No DOM, no state of the show.
// Used by the live page, the control page and pages that wait for news of an order.

// 3 s: an acknowledgement takes 15 ms; who waits longer goes through the other door (HTTP) with the same key.
const ACK_MS = 3000;
// A lag ping every 5 s keeps the clock true and notices a dead line long before the 35 s of the protocol do.
const PING_MS = 5000;
// Ticks come once a second and pings every 5 s: 10 s without either is a line that only looks open.
const SILENCE_MS = 10_000;
// Before it is joined a line may be silent for a join's 12 s of patience, and a try to connect takes 8.5 s with its
// pause: 15 s without a try, a refusal or an answer is a line that waits for what never comes (socket.io has no
// time-out for the server's greeting).
const STUCK_MS = 15_000;
// Refusals of a join that say nothing about who asks.
const PASSING = new Set(['busy', 'too_many', 'internal']);

/** How long to wait after the n-th join without an answer: ms. */
export const pauseMs = (tries, random = Math.random) => random() * 1000 * 2 ** Math.min(tries - 1, 3);

/** Thrown by request() when nothing is known to have arrived: not connected, cut off, or no answer in time. */
export class NotAnswered extends Error {
  constructor(reason) {
    super(reason);
    this.name = 'NotAnswered';
  }
}

/** How socket.io is to be asked for: websocket first, polling where a proxy does not let it through. */
export const OPTIONS = {
  transports: ['websocket', 'polling'], tryAllTransports: true, autoConnect: false, timeout: 3500,
  // At most 3 s between tries, so that 90 s offline are made good within 5; jitter spreads a crowd.
  reconnectionDelay: 400, reconnectionDelayMax: 3000, randomizationFactor: 0.6,
};

/**
 * A line that stays joined.
 *
 * `io` is socket.io-client's; `join` is {event, data}; `clock` is a serverClock; `on` holds the callbacks:
 * joined(answer, isAgain) after every join, frame({stream, events}), status("online" | "connecting" | "reconnecting" |
 * "offline"), refused(answer) when a join is refused, and any event name in `also` ("tick", "figures", "delayed").
 */
export class Line {
  constructor({ io, join, clock, on, also = ['tick', 'delayed'], path = undefined, env = globalThis }) {
    Object.assign(this, { join, clock, on, env });
    this.socket = io(path, OPTIONS);
    this.status = 'connecting';
    this.joined = false;
    this.everJoined = false;
    this.unanswered = 0;
    this.heardAt = env.performance.now();
    this.lostAt = null;
    this.closed = false;
    this.socket.on('connect', () => this.#join());
    this.socket.on('disconnect', (reason) => this.#lost(reason));
    this.socket.on('connect_error', () => this.#failed());
    this.socket.on('events', (frame) => this.#heard(() => on.frame(frame)));
    for (const name of also) this.socket.on(name, (data) => this.#heard(() => on[name]?.(data)));
    this.watch = null;
  }

  open() {
    const { env } = this;
    this.onOnline = () => { this.#reopen(); };
    this.onOffline = () => this.#paint();
    this.onShow = () => { if (env.document?.visibilityState === 'visible') this.#check(); };
    env.addEventListener?.('online', this.onOnline);
    env.addEventListener?.('offline', this.onOffline);
    // Phones freeze pages in the background: look at once when it is seen again.
    env.document?.addEventListener('visibilitychange', this.onShow);
    this.watch = env.setInterval(() => this.#check(), 1000);
    this.pings = env.setInterval(() => this.#ping(), PING_MS);
    this.lostAt = env.performance.now();
    this.socket.connect();
    return this;
  }

  close() {
    const { env } = this;
    this.closed = true;
    env.clearInterval(this.watch);
    env.clearInterval(this.pings);
    env.removeEventListener?.('online', this.onOnline);
    env.removeEventListener?.('offline', this.onOffline);
    env.document?.removeEventListener('visibilitychange', this.onShow);
    this.socket.disconnect();
  }

  /** Whether what the page shows is as new as it can be. */
  get isLive() {
    return this.status === 'online';
  }

  /**
   * Send an event now and wait for its answer. Never kept for later: without a line it throws NotAnswered at once,
   * so nothing is bought by surprise when the line comes back. A refusal is an answer ({ok: false, …}).
   */
  async request(event, data, timeoutMs = ACK_MS) {
    if (!this.socket.connected || !this.joined) throw new NotAnswered('not connected');
    return this.#ask(event, data, timeoutMs);
  }

  async #ask(event, data, timeoutMs) {
    try {
      const answer = await this.socket.timeout(timeoutMs).emitWithAck(event, data);
      this.#alive();
      return answer;
    } catch (error) {
      throw new NotAnswered(error.message);
    }
  }

  async #join() {
    const { socket } = this;
    const id = socket.id;
    this.#alive();
    try {
      const answer = await this.#ask(this.join.event, this.join.data, ACK_MS * (1 + Math.min(this.unanswered, 3)));
      if (this.closed || socket.id !== id) return;
      this.unanswered = 0;
      if (!answer.ok) return this.#refused(answer);
      const again = this.everJoined;
      this.joined = true;
      this.everJoined = true;
      this.lostAt = null;
      this.on.joined(answer, again);
      this.#paint();
      this.#ping();
    } catch {
      // No answer to a join: this line is of no use, the next one may be. Each time a bit later and more patiently, for
      // a crowd that insists keeps a busy server busy.
      if (this.closed || socket.id !== id) return;
      this.unanswered += 1;
      this.#alive();
      this.env.setTimeout(() => { if (!this.joined && socket.id === id) this.#reopen(); }, pauseMs(this.unanswered));
    }
  }

  #refused(answer) {
    if (PASSING.has(answer.code)) {
      this.env.setTimeout(() => !this.closed && this.socket.connected && this.#join(), answer.retry_ms ?? 2000);
      return;
    }
    this.on.refused?.(answer);
  }

  #lost(reason) {
    this.joined = false;
    this.lostAt ??= this.env.performance.now();
    this.#paint();
    // The server closed it (restart, sign-out, a reader too slow): socket.io does not come back by itself then.
    if (reason === 'io server disconnect') this.#comeBack();
  }

  #failed() {
    this.#alive();
    this.#paint();
    if (!this.socket.active) this.#comeBack(); // turned away at the door: socket.io takes that for the last word
  }

  #comeBack() {
    this.env.setTimeout(() => !this.closed && this.socket.connect(), 500 + Math.random() * 2000);
  }

  #alive() {
    this.heardAt = this.env.performance.now();
  }

  #heard(tell) {
    this.#alive();
    tell();
  }

  async #ping() {
    if (!this.joined) return;
    const { clock, env } = this;
    const sent = env.Date.now();
    try {
      const answer = await this.#ask('ping_lag', {}, ACK_MS);
      if (answer.now) clock.sample(answer.now * 1000, sent, env.Date.now());
    } catch {
      // The watch decides by silence; one lost ping is nothing.
    }
  }

  #check() {
    const quiet = this.env.performance.now() - this.heardAt;
    if (quiet > (this.joined ? SILENCE_MS : STUCK_MS)) this.#reopen();
    else this.#paint();
  }

  /** Drop what may be dead and try anew, now. */
  #reopen() {
    if (this.closed) return;
    this.joined = false;
    this.lostAt ??= this.env.performance.now();
    this.#alive();
    this.socket.disconnect();
    this.socket.connect();
    this.#paint();
  }

  #paint() {
    const status = this.#status();
    if (status === this.status || this.closed) return;
    this.status = status;
    this.on.status(status);
  }

  #status() {
    const { env } = this;
    const isOff = env.navigator?.onLine === false;
    if (this.joined && !isOff) return 'online';
    const out = this.lostAt === null ? 0 : env.performance.now() - this.lostAt;
    if (isOff || out > SILENCE_MS) return 'offline';
    return this.everJoined || out > ACK_MS ? 'reconnecting' : 'connecting';
  }
}

// -- Snapshots when something was missed ----------------------------------------------------------------------------

/** How long to wait before asking for a snapshot, so that a whole crowd does not ask in the same instant: ms. */
export function spreadMs(viewers, random = Math.random) {
  // 1,000 snapshots a second are what one process answers with ease; 2.5 s keeps "right again within 5 s".
  return random() * Math.min(2500, Math.max(0, viewers - 50));
}

/**
 * Asks for a snapshot, one at a time: calls made while one is under way are answered by one more after it.
 * `load()` gives a promise; failures are tried again while `isWanted()`.
 */
export function refresher({ load, isWanted, spread = () => 0, env = globalThis }) {
  let running = null;
  let more = false;
  const wait = (ms) => new Promise((resolve) => { env.setTimeout(resolve, ms); });
  const run = async () => {
    for (let failures = 0; ;) {
      more = false;
      try {
        await load();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (error.name !== 'ApiError') env.reportError?.(error); // not the network's: a fault of ours must be seen
      }
      if (!more && !isWanted()) return;
      await wait(Math.min(5000, 300 * 2 ** failures) * (0.5 + Math.random()));
    }
  };
  return async ({ now = false } = {}) => {
    if (running) {
      more = true;
      return running;
    }
    running = (now ? Promise.resolve() : wait(spread())).then(run).finally(() => { running = null; });
    return running;
  };
}

// -- Two doors to one function --------------------------------------------------------------------------------------

/**
 * A write that has a socket event and an HTTP twin. The socket is quicker; if it does not answer, the same body with
 * the same key goes by HTTP, so it is done once whatever arrived. Gives the answer or throws what `post` throws;
 * a refusal over the socket is thrown as `refuse(answer)`.
 */
export async function throughEitherDoor({ line, event, data, post, refuse }) {
  let answer;
  try {
    answer = await line.request(event, data);
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    return post();
  }
  if (answer.ok) return answer;
  if (answer.code === 'busy' || answer.code === 'internal') return post();
  throw refuse(answer);
}

/**
 * A keyed write that has a socket event only: without an answer, or when the server is busy, the same key once more
 * on the line there is by then. Gives the answer, a refusal too, or null when it is not known whether anything arrived.
 */
export async function askAgain(getLine, event, data, env = globalThis) {
  const ask = () => getLine().request(event, data).catch((error) => {
    if (!(error instanceof NotAnswered)) throw error;
    return null;
  });
  const answer = await ask();
  if (answer && answer.code !== 'busy') return answer;
  await new Promise((resolve) => { env.setTimeout(resolve, answer?.retry_ms ?? 800); });
  return (await ask()) ?? answer;
}
