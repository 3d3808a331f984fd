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
  const kept = read("lang");
  const wanted = navigator.languages?.find((tag) => /^(en|fa)\b/i.test(tag)) ?? "en";
  const language = kept === "fa" || kept === "en" ? kept : wanted.slice(0, 2).toLowerCase();
  root.lang = language;
  root.dir = language === "fa" ? "rtl" : "ltr";

  // The strings of this one language, and what the page asks first: beside the modules rather than after them.
  const fetchSoon = (href, how) => document.head.append(Object.assign(document.createElement("link"), { href, ...how }));
  for (const name of ["", ...(root.dataset.strings ?? "").split(" ").filter(Boolean)]) {
    fetchSoon(`/static/strings/${name ? `${name}.` : ""}${language}.js`, { rel: "modulepreload" });
  }
  if ("asksItself" in root.dataset) fetchSoon(`/api/v1${location.pathname}`, { rel: "preload", as: "fetch", crossOrigin: "anonymous" });

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const choice = read("theme");
  root.dataset.themeChoice = choice === "light" || choice === "dark" ? choice : "auto";
  const paint = () => {
    const chosen = root.dataset.themeChoice;
    root.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  };
  dark.addEventListener("change", paint);
  root.addEventListener("themechoice", paint);
  paint();

  // What people entered and the service has not taken yet goes out from any page, once this one stands.
  try {
    if (Object.keys(localStorage).some((name) => name.startsWith("orewatch.outbox."))) addEventListener("load", () => import("/static/outbox.js"));
  } catch {
    // no storage, so nothing can wait in it
  }
})();
