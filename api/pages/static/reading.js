// One value as gauges show it: how much it is, what it means, and how far it can be trusted.

import { ago, decimalsFor, number, unitName } from "./format.js";
import { t } from "./language.js";
import { isAlarm, judged, levelOf } from "./scale.js";

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
