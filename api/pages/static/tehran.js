// Days and times of day in Tehran, as instants. The calendar itself is the browser's; nothing is computed by hand.

const ZONE = "Asia/Tehran";
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const wall = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: ZONE });
const dates = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", calendar: "gregory", numberingSystem: "latn", timeZone: ZONE });

/** Minutes since midnight. */
export function minuteOfDay(ms) {
  const [hours, minutes] = wall.format(ms).split(":").map(Number);
  return hours * 60 + minutes;
}

/** The Gregorian date in Tehran: a name for a day that sorts, whatever calendar shows it. */
export const dayKey = (ms) => dates.format(ms);

/** The first instant of the day in which `ms` lies. */
export function dayStart(ms) {
  const [hours, minutes, seconds] = wall.format(ms).split(":").map(Number);
  return Math.floor(ms / 1000) * 1000 - ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** The starts of the days from `before` days ago to `after` days ahead, in order. */
export function daysAround(ms, before, after) {
  const noon = dayStart(ms) + DAY_MS / 2; // noon: no change of summer time moves it to another day
  return Array.from({ length: before + after + 1 }, (_, place) => dayStart(noon + (place - before) * DAY_MS));
}

/** The instant of a time of day. */
export function atMinute(start, minute) {
  const guess = start + minute * MINUTE_MS;
  // On a day on which the clocks change, the guess is an hour off; what the wall then shows says by how much.
  return guess + (minute - minuteOfDay(guess)) * MINUTE_MS;
}
