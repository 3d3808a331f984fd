// The states of a unit's last 24 hours: asked for, joined with what is live, summed up.

import { everything } from "./api.js";
import { instant } from "./format.js";
import { stateWord } from "./states.js";

export const DAY_MS = 86_400_000;

/** Ask for the states up to `now`: [{ state, reason, code, from, to, provisional }] with times in milliseconds. */
export async function readDay(unitId, now) {
  const query = new URLSearchParams({ start: new Date(now - DAY_MS).toISOString(), end: new Date(now).toISOString() });
  const items = await everything(`/api/v1/units/${encodeURIComponent(unitId)}/states?${query}`);
  return items.map((one) => ({ ...one, from: instant(one.from), to: instant(one.to) }));
}

/** Cut to the last 24 hours, and put what the live frames know at the end: the store hears of it a minute later. */
export function merged(intervals, standing, now) {
  const start = now - DAY_MS;
  let all = intervals.filter((one) => one.to > start && one.from < now);
  if (standing && Number.isFinite(standing.since)) {
    const since = Math.min(standing.since, now);
    const last = all.at(-1);
    if (last && last.state === standing.state && last.from <= since && last.to >= since) Object.assign(last, { to: now, reason: standing.reason, code: standing.code });
    else {
      // The onset is back-dated once the evidence has lasted: what the store said of that time is overtaken.
      all = all.filter((one) => one.from < since);
      if (all.length) all.at(-1).to = Math.min(all.at(-1).to, since);
      all.push({ state: standing.state, reason: standing.reason, code: standing.code, from: since, to: now, provisional: true });
    }
  }
  return all.map((one) => ({ ...one, from: Math.max(one.from, start), to: Math.min(one.to, now), begun: one.from }));
}

/** What each state took, longest first; stops with a reason by their reason: word -> { word, ms, one }. */
export function sumsOf(shown) {
  const sums = new Map();
  for (const one of shown) {
    const key = stateWord(one.state, one.reason, one.code);
    const sum = sums.get(key) ?? { word: key, ms: 0, one };
    sum.ms += one.to - one.from;
    sums.set(key, sum);
  }
  return new Map([...sums].sort((a, b) => b[1].ms - a[1].ms));
}
