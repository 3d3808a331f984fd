// What people entered and the service has not taken yet. Kept in this browser until it answers, whatever happens to
// the link, the page or the service; sent in order, again and again, under a key that makes a repetition harmless.
//
//   put --> waiting --POST--> 200, 201: gone         no answer, 5xx, 429, 401: waiting, with growing pauses
//                         +-> another 4xx: refused, with the reason, until somebody corrects or discards it

import { ApiError, ask } from "./api.js";
import { logIn } from "./login.js";

const PREFIX = "orewatch.outbox.";
const LOCK = "orewatch.outbox";
const MOST = 500;
const FIRST_PAUSE_MS = 2_000;
const LAST_PAUSE_MS = 60_000;
const WAIT_MS = 4_000;
const AGAIN = new Set([0, 401, 408, 425, 429]);

export class OutboxFull extends Error {}

/** A random UUID. Pages served over plain HTTP have no randomUUID. */
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Run it unless another page of ours is sending; undefined then. Without locks the keys alone must do. */
function alone(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? work() : undefined));
}

/** Something that `put` wrote; whatever else lies under our name is shown as unreadable. */
function sound(entry, key) {
  const is = (value) => typeof value === "object" && value !== null;
  const said = is(entry) && entry.key === key && typeof entry.unit === "string" && typeof entry.kind === "string" && is(entry.body);
  return said && Number.isFinite(entry.order) && (entry.state === "waiting" || (entry.state === "refused" && is(entry.problem)));
}

class Outbox extends EventTarget {
  #memory = new Map(); // what storage would not take
  #pause = FIRST_PAUSE_MS;
  #timer = null;
  #busy = false;
  #waiters = new Map();
  #answered = new Map(); // key -> id, for what was entered after it and refers to it

  /** Begin to send: now, when the link comes back, when the page is looked at again, and after each pause. */
  start() {
    addEventListener("online", () => this.hurry());
    addEventListener("pageshow", () => this.hurry());
    document.addEventListener("visibilitychange", () => !document.hidden && this.hurry());
    addEventListener("storage", (event) => {
      if (event.key !== null && !event.key.startsWith(PREFIX)) return;
      if (event.key && event.newValue === null) this.#settle(event.key.slice(PREFIX.length), { sent: null });
      else if (event.key) this.#settleRefused(event.key.slice(PREFIX.length));
      this.#changed();
    });
    this.hurry();
  }

  /** Everything that waits or was refused, in the order in which it was entered. */
  entries() {
    const found = [...this.#memory.values()];
    for (const key of this.#keys()) {
      const entry = this.#read(key);
      if (entry) found.push(entry);
    }
    return found.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
  }

  /** Storage took everything: it outlives this page. */
  get lasting() {
    return this.#memory.size === 0;
  }

  /**
   * Take something over. `action` "add" or "withdraw" (of the entry `id`); `after`: the key of one that is still here
   * and that this corrects or withdraws; `at`: when it was entered, by the service's clock. OutboxFull beyond 500.
   */
  put({ unit, kind, action = "add", id = null, body, after = null, at = NaN }) {
    const before = this.entries();
    if (before.length >= MOST) throw new OutboxFull(`${before.length}`);
    const entry = { key: uuid(), order: 1 + Math.max(0, ...before.map((one) => one.order)), unit, kind, action, id, body, after };
    Object.assign(entry, { at: Number.isFinite(at) ? at : null, state: "waiting", tries: 0, problem: null });
    this.#write(entry);
    this.#changed();
    this.hurry();
    return entry;
  }

  /** Say something else in place of one that is still here. One that may have arrived is corrected, not forgotten. */
  change(key, body, at) {
    const entry = this.#read(key);
    if (!entry) return null;
    const rest = { unit: entry.unit, kind: entry.kind, at };
    if (this.#mayHaveArrived(entry)) return this.put({ ...rest, body, after: key });
    this.#forget(key);
    return this.put({ ...rest, action: entry.action, id: entry.id, after: entry.after, body: { ...body, corrects: entry.body.corrects } });
  }

  /** Forget one; where it may have arrived withdraw it as soon as that is known, and return that withdrawal. */
  takeBack(key, { by, note, at }) {
    const entry = this.#read(key);
    if (!entry) return null;
    if (this.#mayHaveArrived(entry)) return this.put({ unit: entry.unit, kind: entry.kind, action: "withdraw", after: key, body: { by, note }, at });
    this.#forget(key);
    return null;
  }

  /** What became of one: { sent: answer }, { refused: entry } or, after one try or a few seconds, { waiting: entry }. */
  outcome(key) {
    return new Promise((done) => {
      const timer = setTimeout(() => this.#settleRefused(key) || this.#settle(key, { waiting: this.#read(key) }), WAIT_MS);
      this.#waiters.set(key, (outcome) => {
        clearTimeout(timer);
        done(outcome);
      });
    });
  }

  /** Try at once. */
  hurry() {
    this.#pause = FIRST_PAUSE_MS;
    this.#pump();
  }

  #mayHaveArrived = (entry) => entry.state === "waiting" && entry.tries > 0;

  async #pump() {
    clearTimeout(this.#timer);
    if (this.#busy || !this.#next(new Set())) return;
    this.#busy = true;
    let done;
    try {
      done = await alone(() => this.#sendAll());
    } finally {
      this.#busy = false;
    }
    if (done === "login") logIn().then(() => this.hurry());
    if (!this.#next(new Set())) return;
    const pause = done === true ? 100 : this.#pause * (0.75 + Math.random() / 2);
    if (done !== true) this.#pause = Math.min(this.#pause * 2, LAST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#pump(), pause);
  }

  /** true where nothing is left that could go now. */
  async #sendAll() {
    const troubled = new Set(); // an error of the service's own over one unit's entry must not hold up the others
    for (;;) {
      const entry = this.#next(troubled);
      if (!entry) return troubled.size === 0;
      const status = await this.#send(entry);
      if (status === 401) return "login";
      if (AGAIN.has(status)) return false;
      if (status >= 500) troubled.add(entry.unit);
      else this.#pause = FIRST_PAUSE_MS;
    }
  }

  #next(troubled) {
    const all = this.entries();
    // What refers to one that still waits goes after it.
    const here = new Set(all.filter((one) => one.state === "waiting").map((one) => one.key));
    return all.find((one) => one.state === "waiting" && !here.has(one.after) && !troubled.has(one.unit));
  }

  /** Send one; returns the status, 0 for no answer. */
  async #send(entry) {
    // Said before it goes, so that nobody forgets what may have arrived.
    entry.tries += 1;
    this.#write(entry);
    try {
      const { id, action, body } = await this.#resolved(entry);
      if (action === "nothing") {
        this.#forget(entry.key);
        return 204;
      }
      const path = `/api/v1/units/${encodeURIComponent(entry.unit)}/${entry.kind}${action === "withdraw" ? `/${id}/withdraw` : ""}`;
      const answer = await ask(path, { method: "POST", body: { ...body, key: entry.key }, login: false });
      if (!Number.isInteger(answer?.id)) throw new ApiError(0, "not an answer of the service");
      this.#answered.set(entry.key, answer.id);
      this.#settle(entry.key, { sent: answer });
      this.#forget(entry.key);
      this.dispatchEvent(new CustomEvent("sent", { detail: { entry, answer } }));
      return 201;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const later = AGAIN.has(error.status) || error.status >= 500;
      if (!later) Object.assign(entry, { state: "refused", problem: { status: error.status, detail: error.message, errors: error.errors } });
      this.#write(entry);
      this.#settle(entry.key, later ? { waiting: entry } : { refused: entry });
      this.#changed();
      return error.status;
    }
  }

  /** What it refers to has an id by now; what never arrived needs no correction. */
  async #resolved(entry) {
    if (entry.after === null) return entry;
    let id = this.#answered.get(entry.after);
    if (id === undefined) {
      const page = await ask(`/api/v1/units/${encodeURIComponent(entry.unit)}/${entry.kind}?replaced=true&limit=1000`, { login: false });
      id = page.items.find((one) => one.key === entry.after)?.id;
    }
    if (entry.action === "withdraw") return { ...entry, id, action: id === undefined ? "nothing" : "withdraw" };
    return { ...entry, body: { ...entry.body, corrects: id } };
  }

  #settle(key, outcome) {
    this.#waiters.get(key)?.(outcome);
    this.#waiters.delete(key);
  }

  /** Another page of ours may have sent it and been refused. */
  #settleRefused(key) {
    const entry = this.#read(key);
    if (entry?.state !== "refused") return false;
    this.#settle(key, { refused: entry });
    return true;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #keys() {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
    } catch {
      return [];
    }
  }

  #read(key) {
    if (this.#memory.has(key)) return this.#memory.get(key);
    let text = null;
    try {
      text = localStorage.getItem(PREFIX + key);
      const entry = JSON.parse(text);
      return text === null || sound(entry, key) ? entry : this.#unreadable(key, text);
    } catch {
      // Not ours, or spoilt: shown as it is rather than dropped.
      return text === null ? null : this.#unreadable(key, text);
    }
  }

  #unreadable(key, text) {
    const problem = { status: 0, detail: text.slice(0, 200), errors: [] };
    return { key, order: 0, unit: "", kind: "unreadable", action: "add", id: null, body: {}, after: null, at: null, state: "refused", tries: 0, problem };
  }

  #write(entry) {
    try {
      localStorage.setItem(PREFIX + entry.key, JSON.stringify(entry));
      this.#memory.delete(entry.key);
    } catch {
      this.#memory.set(entry.key, entry); // forbidden or full; the panel says that it lives only as long as the page
    }
  }

  #forget(key) {
    this.#memory.delete(key);
    try {
      localStorage.removeItem(PREFIX + key);
    } catch {
      // then it was in memory only
    }
    this.#changed();
  }
}

/** The one of this page; importing it is enough for what is kept to be sent. */
export const outbox = new Outbox();
outbox.start();
