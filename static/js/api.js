// Requests to our own server: JSON both ways, the CSRF header, one kind of error, time-outs, and repeats that
// cannot do anything twice (reads, and writes that carry an idempotency key).

import { csrfToken } from '/static/js/dom.js';
import { t } from '/static/js/i18n.js';

// A payment provider may take 10 s; nothing of ours does.
const TIMEOUT_MS = 12_000;
// Three more tries over about 4 s: long enough for a restart behind the proxy, short enough for a waiting thumb.
const PAUSES_MS = [300, 1000, 2500];
const AGAIN = new Set([502, 503, 504]);

/** A refusal or a failure. `code` is the server's, or "network" | "timeout" | "unreadable"; `retryMs` when to come back. */
export class ApiError extends Error {
  constructor({ code, message, fields = {}, status = 0, ...extra }) {
    super(message);
    this.name = 'ApiError';
    Object.assign(this, { code, fields, status, extra });
  }

  get retryMs() {
    return this.extra.retry_ms ?? null;
  }

  /** Whether we do not know what the server did (nothing came back), as opposed to a clear no. */
  get isUnknown() {
    return this.code === 'network' || this.code === 'timeout';
  }
}

/** An idempotency key: a UUID. Plain HTTP pages (a phone on the shop's own network) have no crypto.randomUUID. */
export function newKey() {
  if (globalThis.crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Whether the same request may be sent again without doing anything twice. */
const isRepeatable = (method, body) => method === 'GET' || method === 'DELETE' || typeof body?.key === 'string';

/**
 * Send a request; gives the answer's JSON or throws ApiError. What is repeatable is repeated, with the same key, while
 * no answer comes or the server is busy.
 */
export async function call(method, url, body = null, { timeoutMs = TIMEOUT_MS, repeat = isRepeatable(method, body), signal = null } = {}) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await once(method, url, body, timeoutMs, signal);
    } catch (error) {
      const again = repeat && !signal?.aborted && tries < PAUSES_MS.length && (error.isUnknown || AGAIN.has(error.status));
      if (!again) throw error;
      await pause(Math.max(PAUSES_MS[tries], Math.min(error.retryMs ?? 0, 5000)));
    }
  }
}

export const get = (url, options) => call('GET', url, null, options);
export const post = (url, body = {}, options = undefined) => call('POST', url, body, options);
export const del = (url, options) => call('DELETE', url, null, options);

async function once(method, url, body, timeoutMs, signal) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRFToken'] = csrfToken();
  if (body) headers['Content-Type'] = 'application/json';
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new DOMException('timeout', 'TimeoutError')), timeoutMs);
  signal?.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
  try {
    const answer = await fetch(url, { method, headers, body: body ? JSON.stringify(body) : null, signal: stop.signal, credentials: 'same-origin' });
    return await read(answer);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (stop.signal.reason?.name === 'TimeoutError') throw new ApiError({ code: 'timeout', message: t('That took too long. Please try again.') });
    if (error.name === 'AbortError') throw error;
    throw new ApiError({ code: 'network', message: t('We cannot reach the shop. Please check your connection.') });
  } finally {
    clearTimeout(timer);
  }
}

async function read(answer) {
  if (answer.status === 204) return null;
  const text = await answer.text();
  let body;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (answer.ok && body !== null) return body;
  const seconds = Number(answer.headers.get('Retry-After'));
  throw new ApiError({
    code: 'unreadable', message: t('Something broke on our side. Please try again.'),
    retry_ms: seconds ? seconds * 1000 : undefined, ...body, status: answer.status,
  });
}

// -- Signing in on the way ------------------------------------------------------------------------------------------

/** Where to sign in and then come back to this very page; `hash` says what was about to happen. */
export function signInUrl(hash = location.hash) {
  return `/sign-in?next=${encodeURIComponent(location.pathname + location.search + hash)}`;
}

/** Go and sign in if that is what an error asks for; whether it was. */
export function signInIfAsked(error, hash = location.hash) {
  if (error.code !== 'sign_in_needed') return false;
  location.assign(signInUrl(hash));
  return true;
}
