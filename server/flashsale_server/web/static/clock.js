// The server's clock, as this page knows it, and what happens as it goes on.

const TICK_MS = 250;

/** The server's time, learned from its answers; a buyer's own clock may be wrong. */
export class ServerClock {
  #offsetMs = null;

  /** Take a Timestamp that the server has just sent. The one that was quickest on its way is the best. */
  learn(timestamp) {
    const offsetMs = Date.parse(timestamp) - performance.now();
    if (Number.isFinite(offsetMs)) this.#offsetMs = Math.max(offsetMs, this.#offsetMs ?? -Infinity);
  }

  /** Forget what was learned: another server, or a machine that has slept. */
  forget() {
    this.#offsetMs = null;
  }

  /** Now, in milliseconds since 1970. */
  now() {
    return this.#offsetMs === null ? Date.now() : this.#offsetMs + performance.now();
  }
}

/** Call `tick` now, and four times a second until it returns false. */
export function whileTicking(tick) {
  if (tick() === false) return;
  const timer = setInterval(() => {
    if (tick() === false) clearInterval(timer);
  }, TICK_MS);
}

/** A function that has `draw` called before the next frame, once for all calls until then. */
export function oncePerFrame(draw) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** About `ms`: a crowd that was sent away together must not come back in one moment. */
export function withJitter(ms) {
  return ms * (0.75 + Math.random() / 2);
}
