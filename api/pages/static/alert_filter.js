// Which alerts are shown: all of it in the address, so that it can be sent to somebody and survives a reload.

import { kindWord, sentenceOf, unitWord } from "./alert_words.js";
import { arrange, h, setAttribute } from "./dom.js";
import { folded, t, word } from "./language.js";

const OWN_KINDS = ["collector_silent", "collector_behind", "store_down", "disk_filling", "outbox_stuck", "certificate_ageing", "server_clock"];
const FIXED = {
  kind: ["idle", "underperforming", "not_producing", "comms_loss", ...OWN_KINDS],
  state: ["UNACK", "RTNUN", "ACKED", "SHLVD", "NORM"],
  priority: ["high", "medium", "low"],
};
const WORDS = { kind: "kind", state: "alert.state", priority: "priority" };
const SELECTS = ["unit", "kind", "state", "priority"];
const NAMES = ["q", ...SELECTS];


function haystack(alert) {
  const names = [alert.unit, unitWord(alert.unit), alert.machine, alert.signal, alert.kind, kindWord(alert), alert.reason, sentenceOf(alert), alert.acknowledged_by, ...(alert.notes ?? []).map((note) => `${note.by} ${note.text}`)];
  return folded(names.filter(Boolean).join(" "));
}

/** `changed(names)` is called after every choice. `chosen`: { q, unit, kind, state, priority }, "" for all. */
export function alertFilter({ search, toggle, choices, changed }) {
  const address = new URL(location.href);
  const chosen = Object.fromEntries(NAMES.map((name) => [name, address.searchParams.get(name) ?? ""]));
  for (const [name, allowed] of Object.entries(FIXED)) if (!allowed.includes(chosen[name])) chosen[name] = "";
  search.value = chosen.q;
  const clear = h("button", { type: "button", class: "button", onclick: () => choose(Object.fromEntries(NAMES.map((name) => [name, ""]))) }, t("watch.clear"));
  const selects = Object.fromEntries(
    SELECTS.map((name) => {
      const all = (FIXED[name] ?? []).map((value) => h("option", { value }, word(WORDS[name], value)));
      const own = all.filter(({ value }) => OWN_KINDS.includes(value));
      const options = own.length ? [...all.slice(0, -own.length), h("optgroup", { label: t("own.group") }, own)] : all;
      return [name, h("select", { class: "field", "aria-label": t(`watch.by.${name}`), "data-name": name, onchange: (event) => choose({ [name]: event.target.value }) }, h("option", { value: "" }, t(`watch.every.${name}`)), options)];
    }),
  );
  choices.append(...Object.values(selects), clear);

  function choose(change) {
    Object.assign(chosen, change);
    for (const name of NAMES) {
      if (chosen[name]) address.searchParams.set(name, chosen[name]);
      else address.searchParams.delete(name);
    }
    history.replaceState(null, "", address);
    show();
    changed(Object.keys(change));
  }

  function show() {
    if (search.value !== chosen.q) search.value = chosen.q;
    for (const [name, node] of Object.entries(selects)) {
      node.value = chosen[name];
      setAttribute(node, "data-chosen", chosen[name] ? "" : null);
    }
    clear.hidden = NAMES.every((name) => !chosen[name]);
  }

  /** On a phone the choices are folded away, unless one was made. */
  function unfold(yes) {
    choices.toggleAttribute("data-shown", yes);
    setAttribute(toggle, "aria-expanded", String(yes));
  }
  toggle.addEventListener("click", () => unfold(!choices.hasAttribute("data-shown")));
  unfold(SELECTS.some((name) => chosen[name]));

  /** The units there is something to choose of; the chosen one stays among them. */
  function offer(units) {
    const wanted = [...new Set([...units, chosen.unit].filter(Boolean))].sort();
    const known = new Map([...selects.unit.options].map((option) => [option.value, option]));
    arrange(selects.unit, ["", ...wanted].map((value) => known.get(value) ?? h("option", { value }, value && unitWord(value))));
    selects.unit.value = chosen.unit;
  }
  search.addEventListener("input", () => choose({ q: search.value }));
  offer([]);
  show();

  return {
    chosen,
    offer,
    admits(alert) {
      const words = folded(chosen.q).split(/\s+/).filter(Boolean);
      if (SELECTS.some((name) => chosen[name] && alert[name] !== chosen[name])) return false;
      if (!words.length) return true;
      const text = haystack(alert);
      return words.every((part) => text.includes(part));
    },
    /** What the service itself can choose by. */
    asked() {
      const query = new URLSearchParams();
      for (const name of ["unit", "kind"]) if (chosen[name]) query.set(name, chosen[name]);
      return query;
    },
  };
}
