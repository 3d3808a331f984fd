// The page's language. Every word on the page comes from strings/, in both languages; only one of them is loaded.
//
// strings/LANGUAGE.js holds what all pages say; <html data-strings="fleet"> adds strings/fleet.LANGUAGE.js.

const root = document.documentElement;

export const language = root.lang === "fa" ? "fa" : "en";

const strings = {};

/** Load further strings, once the page needs them: the parts of strings/ that are named. */
export async function learn(...names) {
  const files = await Promise.all(names.map((name) => import(`./strings/${name ? `${name}.` : ""}${language}.js`)));
  for (const file of files) Object.assign(strings, file.strings);
}

await learn("", ...(root.dataset.strings ?? "").split(" ").filter(Boolean));

/** The text for a key, with {name} filled in. A missing key shows itself, and the tests fail on it. */
export function t(key, values) {
  const text = strings[key];
  if (text === undefined) {
    console.error(`no text for ${key}`);
    return key;
  }
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : text;
}

/** A text as it is compared: what keyboards write differently, letters, digits and joiners, reads alike. */
export const folded = (text) =>
  text.toLowerCase().replaceAll("ي", "ی").replaceAll("ك", "ک").replaceAll("\u200c", " ").replace(/[۰-۹٠-٩]/g, (digit) => digit.charCodeAt(0) & 15);

/** Phrases side by side; empty ones are left out. */
export const join = (...phrases) => phrases.filter(Boolean).join(t("separator"));

/** A word for a code that comes from outside: a signal, a place, a reason. Unknown ones are made readable. */
export function word(kind, code) {
  if (code === null || code === undefined || code === "") return "";
  return strings[`${kind}.${code}`] ?? String(code).replaceAll("_", " ");
}

/** Fill the static parts of a page: elements with data-t get text, data-t-label an accessible name. */
export function translate(part = document) {
  for (const node of part.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of part.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of part.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}
