// The states of a unit's last 24 hours, and the narrow strip of them that the fleet page shows.

import { everything } from "./api.js";
import { setAttribute, svg } from "./dom.js";
import { instant, span } from "./format.js";
import { t } from "./language.js";
import { stateOf, stateWord } from "./states.js";

export const DAY_MS = 86_400_000;
const HEIGHT = 16;

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

/** A strip without words; the state beside it and the unit's page have them. */
export function narrowStrip() {
  const node = svg("svg", { class: "narrow-strip", role: "img", viewBox: `0 0 1440 ${HEIGHT}`, preserveAspectRatio: "none" });
  return {
    node,
    show(intervals, standing, now) {
      const shown = merged(intervals.map((one) => ({ ...one })), standing, now);
      const x = (ms) => ((ms - now + DAY_MS) / DAY_MS) * 1440;
      node.replaceChildren(
        ...shown.map((one) => {
          // What calls for somebody stands tall, what is well stays low: readable without the colours.
          const { name, tone } = stateOf(one.state, one.reason);
          const low = tone === "calm";
          const from = x(one.from);
          const shape = { x: from.toFixed(1), y: low ? 5 : 0, width: Math.max(3, x(one.to) - from).toFixed(1), height: low ? HEIGHT - 10 : HEIGHT };
          return svg("rect", { ...shape, "data-state": name });
        }),
      );
      const summary = [...sumsOf(shown).values()].map((one) => `${one.word} ${span(one.ms)}`);
      setAttribute(node, "aria-label", t("strip.label", { summary: summary.join(t("list")) }));
    },
  };
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
