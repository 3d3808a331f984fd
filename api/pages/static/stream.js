// The live stream, and a watchdog over it. An open connection proves nothing: only frames do.
// Time between frames is counted by the monotonic clock; what o'clock it is comes from the server's `t`.

import { ask } from "./api.js";

export const STALE_MS = 3_500;
export const LOST_MS = 10_000;
const REOPEN_MS = 6_000;
const HIDDEN_MS = 60_000;

/** The stream that early.js began, once, if it is this one and stands. */
function begun(url) {
  const early = globalThis.earlyStream;
  globalThis.earlyStream = null;
  if (!early) return null;
  if (early.source.readyState !== EventSource.CLOSED && early.source.url === new URL(url, location.href).href) return early;
  early.source.close();
  return null;
}

export class LiveStream {
  #source = null;
  #heard = performance.now();
  #opened = -Infinity;
  #pause = 1_000;
  #again = null;
  #offset = null;
  #hiddenAt = null;
  #link = "opening";
  #checking = false;
  #started = false;
  #address;

  /**
   * url: an address, a function that gives it anew each time, or null where there is nothing to look at yet.
   * heedful(): whether to go on listening while nobody looks at the page.
   * onFrame(frame); onLink(link, silent_ms) with link opening | live | stale | lost, twice a second.
   */
  constructor({ url, onFrame, onLink, heedful = () => false }) {
    this.look(url);
    this.onFrame = onFrame;
    this.onLink = onLink;
    this.heedful = heedful;
  }

  /** Look at this from now on. */
  look(url) {
    this.#address = typeof url === "function" ? url : () => url;
    if (this.#started) this.#open();
  }

  get link() {
    return this.#link;
  }

  /** The server's time, carried on from the last frame; NaN before the first. */
  now() {
    return this.#offset === null ? NaN : performance.now() + this.#offset;
  }

  start() {
    this.#started = true;
    this.#open();
    setInterval(() => this.#watch(), 500);
    addEventListener("online", () => this.#open());
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  #open() {
    const url = this.#address();
    if (url === null) return;
    this.#source?.close();
    clearTimeout(this.#again);
    this.#again = null;
    this.#opened = performance.now();
    const early = begun(url);
    const source = early?.source ?? new EventSource(url);
    source.addEventListener("frame", (event) => this.#frame(event));
    source.addEventListener("error", () => this.#failed(source));
    this.#source = source;
    if (early?.frame) this.#frame(early.frame);
  }

  #frame(event) {
    let frame;
    try {
      frame = JSON.parse(event.data);
    } catch {
      console.warn("a frame that is not JSON was left out");
      return;
    }
    if (!Number.isFinite(frame.t)) return;
    this.#heard = performance.now();
    // A frame that only says that the link stands tells the time apart: its `t` may be of long ago.
    this.#offset = (frame.now ?? frame.t) - this.#heard;
    this.#pause = 1_000;
    this.#report();
    if (frame.alerts) dispatchEvent(new CustomEvent("alerts", { detail: frame.alerts })); // the masthead counts them on every page
    this.onFrame(frame);
  }

  #failed(source) {
    if (source !== this.#source || this.#again !== null) return;
    source.close();
    this.#retry();
    this.#maybeLogin();
  }

  #retry() {
    // Jitter: a thousand pages must not come back to a restarted service in the same moment.
    this.#again = setTimeout(() => this.#open(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, 8_000);
  }

  /** EventSource hides the status; a plain question finds out whether the session has ended. */
  async #maybeLogin() {
    if (this.#checking) return;
    this.#checking = true;
    try {
      await ask("/api/v1/fleet/summary");
    } catch {
      // not reachable: the watchdog says so already
    } finally {
      this.#checking = false;
    }
  }

  #watch() {
    const now = performance.now();
    if (this.#hiddenAt !== null && !this.heedful()) {
      // Nobody looks: let the unit go back to its cheap, unwatched profile.
      if (now - this.#hiddenAt > HIDDEN_MS) {
        this.#source?.close();
        this.#source = null;
        clearTimeout(this.#again);
        this.#again = null;
      }
    } else if (this.#again === null && now - Math.max(this.#heard, this.#opened) > REOPEN_MS) {
      this.#source?.close();
      this.#retry();
    }
    this.#report();
  }

  #seen() {
    if (document.hidden) {
      this.#hiddenAt = performance.now();
      return;
    }
    this.#hiddenAt = null;
    if (this.#source === null || performance.now() - this.#heard > STALE_MS) this.#open();
  }

  #report() {
    const silent = performance.now() - this.#heard;
    if (this.#offset === null && silent < STALE_MS) this.#link = "opening";
    else this.#link = silent <= STALE_MS ? "live" : silent <= LOST_MS ? "stale" : "lost";
    this.onLink(this.#link, silent);
  }
}
