// Saves one thing after the other, so that answers arrive in order. A lost connection is waited out; nothing is dropped.

/**
 * send(job) gives a promise; refused(job, error) hears a clear no; done(job, answer) a yes; status(word) is "saving",
 * "waiting" (no connection) or "saved". pause() resolves when it is worth trying again.
 */
export function makeSaver({ send, done, refused, status, pause }) {
  const waiting = new Map();
  let running = null;

  /** Save a job. A newer one under the same key replaces one that was not sent yet. */
  function put(key, job) {
    waiting.delete(key);
    waiting.set(key, job);
    running ??= run().finally(() => { running = null; });
    return running;
  }

  async function run() {
    status('saving');
    while (waiting.size) {
      const [key, job] = waiting.entries().next().value;
      await attempt(key, job);
    }
    status('saved');
  }

  async function attempt(key, job) {
    const settle = () => waiting.get(key) === job && waiting.delete(key);
    try {
      const answer = await send(job);
      settle();
      done(job, answer);
    } catch (error) {
      if (error.isUnknown || error.status >= 502) {
        status('waiting');
        await pause();
        status('saving');
        return;
      }
      settle();
      refused(job, error);
    }
  }

  return { put, idle: () => running ?? Promise.resolve(), get size() { return waiting.size; } };
}
