// What a value means: against its signal's limits, as people read it, and how far it can be trusted.

import { ago, decimalsFor, number, unitName } from "./format.js";
import { t } from "./language.js";

const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** The next round number upwards. */
export function niceAbove(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return NICE.find((step) => step * power >= value * (1 - 1e-9)) * power;
}

/** The step of a grid: 1, 2 or 5 of a power of ten, so that every line has a short exact number. */
export function gridStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((step) => step * power >= least * (1 - 1e-9)) * power;
}

const known = (value) => value !== null && value !== undefined;

/** trip | trip-low | warn | warn-low | off (outside normal) | normal. */
export function levelOf(signal, value) {
  if (!known(value)) return "normal";
  if (known(signal.trip) && value >= signal.trip) return "trip";
  if (known(signal.trip_low) && value <= signal.trip_low) return "trip-low";
  if (known(signal.warn) && value >= signal.warn) return "warn";
  if (known(signal.warn_low) && value <= signal.warn_low) return "warn-low";
  if (known(signal.normal_low) && value < signal.normal_low) return "off";
  if (known(signal.normal_high) && value > signal.normal_high) return "off";
  return "normal";
}

/** What a machine that stands still shows low is no alarm: suppressed by design, as the local PLC does. */
export const judged = (level, working) => (!working && level.endsWith("-low") ? "off" : level);

export const isAlarm = (level) => level !== "normal" && level !== "off";

/** The colour class of a level: trip, warn or nothing. */
export const toneOf = (level) => (level.startsWith("trip") ? "trip" : level.startsWith("warn") ? "warn" : "");

function limits(signal) {
  return ["normal_low", "normal_high", "warn", "trip", "warn_low", "trip_low"].map((name) => signal[name]).filter(known);
}

/**
 * The span a gauge shows: around the limits, from zero where that costs little. Sensors reach much further
 * (a thermometer from -40 to 200), and on their whole range every bearing would look the same.
 * Without limits the span grows with what was seen, and never shrinks.
 */
export class Scale {
  constructor(signal, target = null) {
    this.signal = signal;
    this.target = target;
    const marks = limits(signal);
    if (known(target) && target > 0) marks.push(target);
    this.fixed = marks.length > 0;
    this.low = Math.max(0, signal.low);
    this.high = signal.high;
    // A machine that stands still must look like it: its last tremble does not fill a gauge.
    this.least = 0.05 * (signal.high - this.low);
    if (!this.fixed) return;
    const least = known(target) ? 0 : Math.min(...marks);
    const most = Math.max(...marks);
    if (signal.low <= 0 && least >= 0 && least < 0.85 * most) this.low = 0;
    else this.low = Math.max(signal.low, least - 0.2 * (most - least || most));
    const room = most + 0.12 * (most - this.low);
    this.high = Math.min(signal.high, this.low === 0 ? niceAbove(known(target) ? 1.25 * most : room) : room);
  }

  /** Make room for a value; true where the span changed. */
  admit(value) {
    if (this.fixed ? value <= this.high * 1.0001 || !known(this.target) : this.seen && value <= this.high) return false;
    const high = Math.min(this.signal.high, niceAbove(Math.max(1.4 * value, this.least)));
    this.seen = true;
    if (high === this.high) return false;
    this.high = high;
    return true;
  }

  /** Where a value stands, 0 to 1. */
  place(value) {
    return Math.min(1, Math.max(0, (value - this.low) / (this.high - this.low || 1)));
  }

  /** Spans of equal meaning: [{ from, to, kind: trip | warn | normal | off }], from 0 to 1. */
  bands() {
    const cuts = [this.low, ...limits(this.signal).filter((cut) => cut > this.low && cut < this.high), this.high].sort((a, b) => a - b);
    const bands = [];
    for (let i = 0; i + 1 < cuts.length; i++) {
      if (cuts[i] === cuts[i + 1]) continue;
      const level = levelOf(this.signal, (cuts[i] + cuts[i + 1]) / 2);
      const kind = limits(this.signal).length === 0 ? "off" : toneOf(level) || level;
      const last = bands.at(-1);
      if (last?.kind === kind) last.to = this.place(cuts[i + 1]);
      else bands.push({ from: this.place(cuts[i]), to: this.place(cuts[i + 1]), kind });
    }
    return bands;
  }
}

/** The wire and the page's own second: anything younger is now. */
const FRESH_MS = 2_500;
const GOOD = 192;
const BAD = 0;
/** No signal may stay silent longer than this when its unit is heard (the longest silence of the live lane, and a little). */
const TOO_OLD_MS = 330_000;

/** `told` is [value, time_ms, quality] as frames have it, or undefined. */
export function reading({ signal, told, now, trusted, working }) {
  const [value, time, quality] = told ?? [null, null, null];
  const age = time === null ? NaN : Math.max(0, now - time);
  let trust = "good";
  if (!told || (value === null && quality !== BAD)) trust = "none";
  else if (trusted === "lost") trust = "lost";
  else if (quality === BAD) trust = "bad";
  else if (quality !== GOOD || trusted === "stale" || age > TOO_OLD_MS) trust = "stale";
  const shown = trust === "bad" ? null : value;
  const level = judged(levelOf(signal, shown), working);
  return {
    value: shown,
    trust,
    // An old value raises no alarm colour: nobody knows whether it still holds.
    level: trust === "good" || trust === "stale" ? level : "normal",
    text: number(shown, decimalsFor(signal.resolution, shown ?? 0)),
    unit: unitName(signal.unit),
    age: !Number.isFinite(age) ? "" : age < FRESH_MS ? t("age.now") : ago(age),
    get remark() {
      if (trust !== "good") return t(`quality.${trust}`);
      return isAlarm(level) ? t(`level.${level}`) : "";
    },
  };
}

/** The sentence a screen reader says about a gauge. */
export function spoken(name, read) {
  const level = read.trust === "good" ? t(`level.${read.level}`) : t(`quality.${read.trust}`);
  return t("gauge.label", { name, value: read.text, unit: read.unit, level, age: read.age });
}
