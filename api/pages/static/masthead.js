// The bar on top of every page: where one can go, Tehran time, state of the connection, colours, language;
// and the outage bar below it, because a silent page must never look like a quiet plant.

import { h, setAttribute, setText, svg } from "./dom.js";
import { clock, full, longDate, number, span } from "./format.js";
import { language, t } from "./language.js";

const SECTIONS = { fleet: "/", alerts: "/alerts", wall: "/wall" };
const BELONGS = { fleet: /^\/(units\/|$)/, alerts: /^\/alerts(\/|$)/, wall: /^\/wall$/ };
const SETTLED_MS = 3_000;
const THEMES = ["auto", "light", "dark", "contrast"];
const THEME_ICON = {
  auto: "M8 2a6 6 0 1 0 .01 0zM8 2v12",
  light: "M8 5a3 3 0 1 0 .01 0zM8 1v1M8 14v1M1 8h1M14 8h1M3 3l.7.7M12.3 12.3l.7.7M3 13l.7-.7M12.3 3.7l.7-.7",
  dark: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
  contrast: "M8 2a6 6 0 1 0 .01 0zM8 3v10M10 3.5v9M12 5v6",
};

function keep(name, value) {
  try {
    localStorage.setItem(`orewatch.${name}`, value);
    return true;
  } catch {
    return false;
  }
}

function themeSwitch() {
  const root = document.documentElement;
  const path = svg("path", {});
  const text = h("span", {});
  const button = h("button", { type: "button", class: "button plain theme" }, svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path), text);
  const show = () => {
    const choice = t(`theme.${root.dataset.themeChoice}`);
    setAttribute(path, "d", THEME_ICON[root.dataset.themeChoice]);
    setText(text, choice);
    setAttribute(button, "aria-label", t("theme.label", { choice }));
  };
  button.addEventListener("click", () => {
    root.dataset.themeChoice = THEMES[(THEMES.indexOf(root.dataset.themeChoice) + 1) % THEMES.length];
    keep("theme", root.dataset.themeChoice);
    root.dispatchEvent(new Event("themechoice"));
  });
  root.addEventListener("themechoice", show);
  show();
  return button;
}

function languageSwitch() {
  const other = language === "fa" ? "en" : "fa";
  return h(
    "button",
    {
      type: "button",
      class: "button plain language",
      lang: other,
      "aria-label": t("language.label"),
      onclick() {
        const url = new URL(location.href);
        // Without storage the choice travels in the address.
        if (keep("lang", other)) url.searchParams.delete("lang");
        else url.searchParams.set("lang", other);
        if (url.href === location.href) location.reload();
        else location.replace(url);
      },
    },
    t("language.switch"),
  );
}

const mark = () =>
  svg(
    "svg",
    { viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("path", { d: "M3 22a13 13 0 0 1 26 0h-4.5a8.5 8.5 0 0 0-17 0zM14.2 21.2l7-9.4 1.7 1.2-5.3 10.4zM5 25.5h22V29H5z" }),
  );

function sections() {
  const count = h("span", { class: "count", hidden: true });
  const links = Object.entries(SECTIONS).map(([name, href]) => {
    // A unit's page lies in the fleet's section without being its page.
    const current = location.pathname === href ? "page" : BELONGS[name].test(location.pathname) ? "true" : null;
    return h("a", { href, "aria-current": current }, h("span", {}, t(`nav.${name}`)), name === "alerts" ? count : null);
  });
  addEventListener("alerts", ({ detail }) => {
    count.hidden = !detail.active;
    setText(count, number(detail.active));
    setAttribute(count.parentElement, "aria-label", detail.active ? t("nav.alerts.count", { n: number(detail.active) }) : null);
  });
  return h("nav", { class: "sections", "aria-label": t("nav.label") }, h("ul", {}, links.map((link) => h("li", {}, link))));
}

/** Let the pages open also while the link is down. Browsers allow it over https and on this machine only. */
function keepShell() {
  const keepIt = () => setTimeout(() => navigator.serviceWorker?.register("/sw.js").catch(() => {}), SETTLED_MS);
  // Not before the page stands: on a poor link its own files come first.
  if (document.readyState === "complete") keepIt();
  else addEventListener("load", keepIt, { once: true });
}

/** Build the masthead; returns `show(link, silent_ms, now_ms)`, to be called as LiveStream.onLink reports. */
export function masthead({ trail = [] } = {}) {
  const date = h("span", { class: "date" });
  const time = h("time", {});
  const lamp = h("span", { class: "lamp", role: "status", "aria-label": t("link.label") });
  document.getElementById("masthead").append(
    h("a", { class: "brand", href: "/", "aria-label": t("app.name") }, mark(), h("span", {}, t("app.name"))),
    sections(),
    ...trail,
    h("span", { class: "space" }),
    h("span", { class: "when", "aria-label": t("clock.label") }, date, time),
    lamp,
    themeSwitch(),
    languageSwitch(),
  );
  const outage = document.getElementById("outage");
  const what = h("span", {});
  // Screen readers hear of each change once; the seconds in the bar count silently.
  const said = h("p", { class: "unseen", role: "status" });
  outage.append(what, h("span", { class: "hint" }, t("link.lost.hint")));
  outage.before(said);
  // The bar sticks below the masthead, which takes one line or two.
  const bar = document.getElementById("masthead");
  new ResizeObserver(() => document.documentElement.style.setProperty("--masthead", `${bar.offsetHeight}px`)).observe(bar);
  keepShell();

  let toldOf = null;
  return (link, silent, now) => {
    setAttribute(document.body, "data-link", link);
    setAttribute(lamp, "data-link", link);
    const trouble = link === "stale" || link === "lost";
    setText(lamp, t(`link.${link === "stale" || link === "lost" ? "lost.short" : link}`));
    setAttribute(outage, "data-link", link);
    outage.hidden = !trouble;
    if (trouble) setText(what, t(`link.${link}`, { span: span(silent) }));
    if (link !== toldOf) setText(said, trouble ? what.textContent : "");
    toldOf = link;
    if (Number.isFinite(now)) {
      setText(date, longDate(now));
      setText(time, clock(now));
      setAttribute(time, "datetime", new Date(now).toISOString());
      setAttribute(time, "title", full(now));
    }
  };
}
