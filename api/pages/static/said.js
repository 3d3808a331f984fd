// What people said about a unit, in one line, the same in every list: of an answer's entry as of one not yet sent.

import { day, instant, longDate, moment, number } from "./format.js";
import { join, language, t, word } from "./language.js";

const NOON_MS = 12 * 3_600_000;

/** As many decimals as the figure has, up to four. */
export function figure(value) {
  if (value === null || value === undefined) return number(null);
  const shown = String(Number(Number(value).toFixed(4)));
  return number(Number(value), shown.includes(".") ? shown.length - shown.indexOf(".") - 1 : 0);
}

/** What people wrote keeps its own direction, and the line around it the page's. */
export const isolated = (text) => `\u2068${text}\u2069`;

export const titleOf = (code, reasons = []) => reasons.find((one) => one.code === code)?.title?.[language] ?? word("code", code);

/** The day that a date of the Gregorian calendar names; production days begin in its course. */
export const dayOf = (date) => Date.parse(`${date}T00:00:00Z`) + NOON_MS;

/** From when to when it holds. */
export function spanOf(kind, entry, now) {
  const from = instant(entry.from);
  const to = instant(entry.to);
  if (Number.isFinite(to)) return t("said.from-to", { from: moment(from, now), to: day(from) === day(to) ? moment(to, to) : moment(to, now) });
  return t(kind === "stops" ? "said.open" : "said.from", { from: moment(from, now) });
}

const percents = (entry, ...names) => names.filter((name) => Number.isFinite(entry[name])).map((name) => t(`said.${name}`, { n: figure(entry[name]) }));

const WHAT = {
  stops: (entry, reasons) => titleOf(entry.code, reasons),
  ore: (entry) => t("said.ore", { ore: isolated(entry.ore), moisture: figure(entry.moisture_pct) }),
  targets: (entry) => join(t("said.target", { n: figure(entry.tph) }), entry.ore ? t("said.target.ore", { ore: isolated(entry.ore) }) : ""),
  plans: (entry) => t("said.plan", { day: longDate(dayOf(entry.day)), shift: number(entry.shift), plan: planned(entry.tonnes) }),
  assays: (entry) => join(isolated(entry.element), ...percents(entry, "feed", "concentrate", "tailings"), isolated(entry.laboratory)),
  "scale-epochs": (entry) => join(...percents(entry, "zero_drift_pct", "span_error_pct")) || t("said.calibrated"),
};

export const planned = (tonnes) => (tonnes === 0 ? t("said.plan.off") : t("said.plan.tonnes", { n: figure(tonnes) }));

/** What was said, without its time. */
export const what = (kind, entry, reasons) => WHAT[kind]?.(entry, reasons) ?? word("kind", kind);

/** What was said, and of which time; a plan names its shift. */
export const say = (kind, entry, now, reasons) => join(what(kind, entry, reasons), kind === "plans" ? "" : spanOf(kind, entry, now));
export const kindWord = (kind) => t(`input.${kind}`);
