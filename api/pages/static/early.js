// Runs before the first paint, so that no page flashes in the wrong language, direction or theme.
// An ordinary script, not a module: modules wait for the document.
(() => {
  const root = document.documentElement;
  const read = (name) => {
    const asked = new URLSearchParams(location.search).get(name);
    try {
      if (asked) localStorage.setItem(`orewatch.${name}`, asked);
      return asked || localStorage.getItem(`orewatch.${name}`);
    } catch {
      return asked; // storage may be forbidden; the page works without it
    }
  };
  const add = (tag, attributes) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    document.head.append(node);
    return node;
  };
  const kept = read("lang");
  const wanted = navigator.languages?.find((tag) => /^(en|fa)\b/i.test(tag)) ?? "en";
  const language = kept === "fa" || kept === "en" ? kept : wanted.slice(0, 2).toLowerCase();
  root.lang = language;
  root.dir = language === "fa" ? "rtl" : "ltr";

  // The strings of this one language, and what the page asks first: beside the modules rather than after them.
  for (const name of ["", ...(root.dataset.strings ?? "").split(" ").filter(Boolean)]) {
    add("link", { rel: "modulepreload", href: `/static/strings/${name ? `${name}.` : ""}${language}.js` });
  }
  if ("asksItself" in root.dataset) {
    add("link", { rel: "preload", as: "fetch", crossorigin: "anonymous", href: `/api/v1${location.pathname}` });
    // The first frame comes while the modules do; stream.js takes the stream over.
    const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
    const source = new EventSource(`/api/v1/live?unit=${encodeURIComponent(id)}`);
    const early = { source, frame: null };
    source.addEventListener("frame", (event) => {
      early.frame = event;
    });
    globalThis.earlyStream = early;
  }
  // What a phone needs to keep the pages as an application, named in the language of its owner.
  add("link", { rel: "manifest", href: `/static/${language}.webmanifest` });
  add("link", { rel: "apple-touch-icon", href: "/static/icon-192.png" });

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const strong = matchMedia("(prefers-contrast: more)");
  const bars = { light: "#f7f8f5", dark: "#151a1d", contrast: "#ffffff" };
  const bar = add("meta", { name: "theme-color" });
  const choice = read("theme");
  root.dataset.themeChoice = Object.hasOwn(bars, choice ?? "") ? choice : "auto";
  const paint = () => {
    const chosen = root.dataset.themeChoice;
    root.dataset.theme = chosen !== "auto" ? chosen : strong.matches ? "contrast" : dark.matches ? "dark" : "light";
    bar.content = bars[root.dataset.theme];
  };
  dark.addEventListener("change", paint);
  strong.addEventListener("change", paint);
  root.addEventListener("themechoice", paint);
  paint();

  // What people entered and the service has not taken yet goes out from any page, once this one stands.
  try {
    if (Object.keys(localStorage).some((name) => name.startsWith("orewatch.outbox."))) addEventListener("load", () => import("/static/outbox.js"));
  } catch {
    // no storage, so nothing can wait in it
  }
})();
