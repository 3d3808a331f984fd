// The fleet as the page knows it: one object per unit, filled from the table, kept up by frames of what changed.
//
//   /api/v1/fleet (columns, all units) --> take() --+
//                                                   +--> units
//   /api/v1/live?changes=true (rows)   --> frame() -+
//
// Frames are absolute, so one that is known already does no harm; one that begins later than what is known says that
// something was missed, and then the table has to be read again.

import { folded, word } from "./language.js";
import { stateOf } from "./states.js";

const CONNECTIONS = ["live", "stale", "lost"];
const FIXED = ["site", "province", "mineral", "model"];
const WORDED = new Set(["state", "reason", "code"]);

const BACK_MS = 90_000;
const HOUR_MS = 3_600_000;
/** Which hour it is in Tehran, counted on; its hours begin at half past. */
const hourOf = (t) => Math.floor((t + HOUR_MS / 2) / HOUR_MS);

const ms = (seconds) => (seconds === null ? NaN : seconds * 1000);

export class Fleet {
  units = new Map();
  month = null;
  /** Until when everything is known, in the server's milliseconds; null before the first table. */
  at = null;
  #columns = [];
  #hour = null;

  /** Take a whole table. */
  take(table) {
    const { fixed, live, words } = table;
    this.#columns = table.live_columns;
    const known = new Map();
    const columns = this.#columns.map((name) => [live[name], WORDED.has(name) ? words[name] : null]);
    const row = new Array(columns.length);
    fixed.id.forEach((id, place) => {
      const unit = this.units.get(id) ?? { id };
      for (const name of FIXED) unit[name] = words[name][fixed[name][place]];
      unit.latitude = fixed.latitude[place];
      unit.longitude = fixed.longitude[place];
      unit.haystack = null;
      for (let c = 0; c < columns.length; c += 1) {
        const [values, names] = columns[c];
        const value = values[place];
        row[c] = names && value !== null ? names[value] : value;
      }
      this.#tell(unit, row);
      known.set(id, unit);
    });
    this.units = known;
    this.month = table.month;
    this.at = table.t;
    this.#hour = hourOf(table.t);
  }

  /** Take what changed; false where the table has to be read again. */
  frame(frame) {
    if (this.at === null || frame.from > this.at) return false;
    // A frame that only says that the link stands has a `t` of long ago: what o'clock it is, it says apart.
    const now = frame.now ?? frame.t;
    if (now < this.at - BACK_MS) return false; // the service's clock was set back
    if (hourOf(now) > this.#hour) {
      this.#hour = hourOf(now); // asked for once
      return false; // the production day may have turned, and the month comes with tables only
    }
    if (frame.t <= this.at) return true;
    let whole = true;
    for (const [id, row] of Object.entries(frame.units)) {
      const unit = this.units.get(id);
      if (unit) this.#tell(unit, row);
      else whole = false;
    }
    // Of a stranger the table says what it is; until it has been read, the frame does not count as known.
    if (whole) this.at = frame.t;
    return whole;
  }

  #tell(unit, row) {
    const columns = this.#columns;
    for (let c = 0; c < columns.length; c += 1) unit[columns[c]] = row[c];
    unit.since = ms(unit.since_s);
    unit.lastTonne = ms(unit.last_tonne_s);
    unit.lastSeen = ms(unit.last_seen_s);
    unit.link = CONNECTIONS[unit.connection];
    const shown = stateOf(unit.state, unit.reason);
    unit.tone = shown.tone;
    unit.rank = shown.rank;
  }
}

/** Everything that can be typed to find a unit: what the service calls it, and what the page shows. */
export function haystack(unit) {
  unit.haystack ??= folded([
    unit.id, unit.site, unit.province, unit.mineral, unit.model,
    word("place", unit.site), word("place", unit.province), word("mineral", unit.mineral),
  ].join(" "));
  return unit.haystack;
}

export const isTroubled = (unit) => unit.tone !== "calm";

/** Trouble first: gravest state, then open alerts, then what has stood longest. */
export function byTrouble(a, b) {
  return a.rank - b.rank || b.alerts - a.alerts || (a.since_s ?? Infinity) - (b.since_s ?? Infinity) || (a.id < b.id ? -1 : 1);
}

/** Sums over units: how many in each state, rates, masses, alerts, how many need somebody, how grave the gravest is. */
export function sums(units) {
  const found = { states: new Map(), rate: 0, target: 0, today: 0, month: null, alerts: 0, troubled: 0, rank: Infinity, tone: "calm", critical: false };
  for (const unit of units) {
    found.states.set(unit.state, (found.states.get(unit.state) ?? 0) + 1);
    found.rate += unit.throughput_tph ?? 0;
    found.target += unit.target_tph ?? 0;
    found.today += unit.tonnes_today ?? 0;
    if (unit.tonnes_month !== null) found.month = (found.month ?? 0) + unit.tonnes_month;
    found.alerts += unit.alerts;
    if (unit.tone !== "calm") found.troubled += 1;
    if (unit.tone === "critical") found.critical = true;
    if (unit.rank < found.rank) [found.rank, found.tone, found.state] = [unit.rank, unit.tone, unit.state];
  }
  return found;
}

/** The states of sums, gravest first: [[state, how many]]. */
export const byGravity = (states) => [...states].sort(([a], [b]) => stateOf(a).rank - stateOf(b).rank);
