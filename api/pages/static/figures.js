// Reading what people type: Latin, Persian and Arabic digits, with the separators that go with them.
// What can be read in two ways is refused, never guessed; the service reads by the same rules.

const LONGEST = 40;
const DIGITS = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩";
// Marks of direction come along when numbers are pasted, and nobody sees them.
const MARKS = /[\u200c\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;
const PLAIN = /^[+-]?\d+(?:\.\d+)?$/;
// Groups of three, all with the same separator. After a comma a single group under a zero would be a decimal.
const GROUPED = /^([+-]?\d{1,3})([٬,،'’\u00a0\u202f ])(\d{3}(?:\2\d{3})*)(\.\d+)?$/;
// People write a slash for the decimal mark with Persian digits; with Latin ones it may be a fraction.
const SLASHED = /^[۰-۹٠-٩]+\/[۰-۹٠-٩]+$/;
const CLOCK = /^(\d{1,2})[:.](\d{2})$|^(\d{2})(\d{2})$|^(\d{1,2})$/;

/** The same text with Latin digits, decimal point and minus sign. */
export function latin(text) {
  return [...text.replace(MARKS, "").trim()]
    .map((sign) => {
      const place = DIGITS.indexOf(sign);
      return place >= 0 ? String(place % 10) : sign === "٫" ? "." : sign === "−" ? "-" : sign;
    })
    .join("");
}

/** A number as people type it, all its decimals and no groups; with Persian digits where `persian`. */
export function written(value, persian) {
  const plain = String(value);
  return persian ? plain.replace(/\d/g, (sign) => DIGITS[sign]).replace(".", "٫") : plain;
}

/** { value } or { fault: "empty" | "not-number" | "ambiguous" }. */
export function readNumber(text) {
  const typed = text.replace(MARKS, "").trim();
  if (typed === "") return { fault: "empty" };
  const plain = latin(SLASHED.test(typed) ? typed.replace("/", "٫") : typed);
  if (plain.length > LONGEST) return { fault: "not-number" };
  if (PLAIN.test(plain)) return { value: Number(plain) };
  const found = GROUPED.exec(plain);
  if (found && !(/[,،]/.test(found[2]) && /^[+-]?0$/.test(found[1]))) {
    return { value: Number(found[1] + found[3].replaceAll(found[2], "") + (found[4] ?? "")) };
  }
  return { fault: /\d/.test(plain) && /^[\d+\-.,،٬'’/\s]+$/.test(plain) ? "ambiguous" : "not-number" };
}

/** A number within bounds: { value }, or { fault } that also says "low", "high" where it lies outside. */
export function readWithin(text, { least = -Infinity, most = Infinity, above = false, below = false }) {
  const read = readNumber(text);
  if (read.fault) return read;
  if (read.value < least || (above && read.value === least)) return { fault: "low" };
  if (read.value > most || (below && read.value === most)) return { fault: "high" };
  return read;
}

/** Minutes since midnight from HH:MM: { value }, or { fault: "empty" | "not-time" }. */
export function readClock(text) {
  const plain = latin(text).replace(/\s*:\s*/, ":");
  if (plain === "") return { fault: "empty" };
  const found = CLOCK.exec(plain);
  if (!found) return { fault: "not-time" };
  const hours = Number(found[1] ?? found[3] ?? found[5]);
  const minutes = Number(found[2] ?? found[4] ?? 0);
  return hours < 24 && minutes < 60 ? { value: hours * 60 + minutes } : { fault: "not-time" };
}
