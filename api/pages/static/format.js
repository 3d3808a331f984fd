// Numbers, times and spans as people read them: Persian digits and the Jalali calendar in Persian,
// and always the time of Tehran, whatever the browser's clock and zone are.

import { language, t, word } from "./language.js";

const LOCALE = language === "fa" ? "fa-IR-u-ca-persian-nu-arabext" : "en-GB-u-ca-gregory-nu-latn";
const ZONE = "Asia/Tehran";
const NOTHING = "–";

const numbers = new Map();

/** A number with fixed decimals; not known is a dash, never a zero. */
export function number(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  if (!numbers.has(decimals)) {
    numbers.set(
      decimals,
      new Intl.NumberFormat(LOCALE, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
    );
  }
  // Without this, a small negative number would read "-0.0".
  return numbers.get(decimals).format(Math.abs(value) < 0.5 * 10 ** -decimals ? 0 : value);
}

/** Decimals that show one step of the sensor, but no more than five figures. */
export function decimalsFor(resolution, value = 0) {
  const fine = resolution > 0 && resolution < 1 ? Math.ceil(-Math.log10(resolution) - 1e-9) : 0;
  const figures = Math.floor(Math.log10(Math.max(1, Math.abs(value)))) + 1;
  return Math.max(0, Math.min(fine, 5 - figures));
}

export const percent = (share) => t("percent", { n: number(share * 100) });

export const unitName = (unit) => (unit === "1" ? "" : word("ucum", unit));

const dates = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short" },
  dated: { day: "numeric", month: "short", year: "numeric" },
  long: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  full: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};
const formats = Object.fromEntries(
  Object.entries(dates).map(([name, parts]) => [name, new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone: ZONE })]),
);

/** Milliseconds since 1970 UTC, from a number or an ISO 8601 text; NaN where there is none. */
export const instant = (time) => (typeof time === "number" ? time : Date.parse(time ?? ""));

const shown = (format) => (ms) => (Number.isFinite(ms) ? formats[format].format(ms) : NOTHING);
export const clock = shown("clock");
export const minute = shown("minute");
export const full = shown("full");

/** Date parts in the order people write them; Intl puts the Jalali year first. */
function dated(format) {
  const order = ["weekday", "day", "month", "year"];
  return (ms) => {
    if (!Number.isFinite(ms)) return NOTHING;
    const parts = formats[format].formatToParts(ms).filter((part) => order.includes(part.type));
    return parts.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type)).map((part) => part.value).join(" ");
  };
}
export const day = dated("day");
export const longDate = dated("long");

const dayOfYear = dated("dated");
/** So far back a day and month alone would be taken for the wrong year's. */
const YEAR_NEEDED_MS = 300 * 86_400_000;

/** The time of day, with the date where it was not today, and its year where that is long ago. */
export function moment(ms, now) {
  if (!Number.isFinite(ms)) return NOTHING;
  if (dayOfYear(ms) === dayOfYear(now)) return minute(ms);
  return t("day-time", { day: Math.abs(now - ms) > YEAR_NEEDED_MS ? dayOfYear(ms) : day(ms), time: minute(ms) });
}

/** A span in its two largest parts: 42 s, 12 min, 2 h 05 min, 3 d 4 h. */
export function span(ms) {
  if (!Number.isFinite(ms)) return NOTHING;
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("span.s", { s: number(s) });
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return t("span.min", { min: number(minutes) });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? t("span.h-min", { h: number(hours), min: number(minutes % 60) }) : t("span.h", { h: number(hours) });
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 7 ? t("span.d-h", { d: number(days), h: number(hours % 24) }) : t("span.d", { d: number(days) });
}

/** Minutes and seconds that count down: 4:59. */
export function countdown(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  const two = new Intl.NumberFormat(LOCALE, { minimumIntegerDigits: 2 });
  return `${number(Math.floor(s / 60))}:${two.format(s % 60)}`;
}

export function ago(ms) {
  if (!Number.isFinite(ms)) return NOTHING;
  return ms < 1000 ? t("just-now") : t("ago", { span: span(ms) });
}
