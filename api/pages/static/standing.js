// How a unit stands right now, in one shape, whether a list (ISO times) or a live frame (milliseconds) told it.

import { instant } from "./format.js";
import { stateOf } from "./states.js";

const LIVE = ["state", "reason", "provisional", "connection", "throughput_tph", "target_tph", "tonnes_today", "tonnes_month", "unknown_h", "ore", "moisture_pct", "code", "pending"];

function standing(source, since, alerts) {
  const result = { since: instant(since), alerts: alerts ?? 0 };
  for (const name of LIVE) result[name] = source[name] ?? null;
  result.last_tonne_at = instant(source.last_tonne_at);
  result.last_seen = instant(source.last_seen);
  const shift = source.shift;
  result.shift = shift ? { ...shift, start: instant(shift.start), end: instant(shift.end) } : null;
  return result;
}

export const fromList = (unit) => standing(unit, unit.state_since, unit.alerts_active);
export const fromFrame = (unit) => standing(unit, unit.since, unit.alerts);

/** Trouble first: gravest state, then open alerts, then what has stood longest. */
export function byTrouble(a, b) {
  return (
    stateOf(a.state, a.reason).rank - stateOf(b.state, b.reason).rank ||
    b.alerts - a.alerts ||
    (a.since || Infinity) - (b.since || Infinity) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** Share of the target, or null where either is not known. */
export function shareOfTarget(unit) {
  return unit.throughput_tph !== null && unit.target_tph > 0 ? unit.throughput_tph / unit.target_tph : null;
}
