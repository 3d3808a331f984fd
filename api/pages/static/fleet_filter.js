// What of the fleet is shown, and how: all of it in the address, so that it can be sent to somebody.

import { arrange, h, setAttribute, setText } from "./dom.js";
import { haystack } from "./fleet_units.js";
import { number } from "./format.js";
import { folded, language, t, word } from "./language.js";
import { icon, STATE_NAMES } from "./states.js";

const DOWN = "M8 2v8.5M4.5 7.2L8 10.7l3.5-3.5M3 13.8h10";
const PLACES = { province: "place", mineral: "mineral", site: "place" };
const GROUPS = ["", "province", "mineral", "site"];
const VIEWS = ["list", "map"];
const NAMES = ["q", "province", "mineral", "site", "state", "group", "view"];
const EXPORTED = ["q", "province", "mineral", "site", "state"];

function read(address) {
  const chosen = Object.fromEntries(NAMES.map((name) => [name, address.searchParams.get(name) ?? ""]));
  if (!STATE_NAMES.includes(chosen.state)) chosen.state = "";
  if (!GROUPS.includes(chosen.group)) chosen.group = "";
  if (!VIEWS.includes(chosen.view)) chosen.view = "list";
  return chosen;
}

/** `changed()` is called after every choice. `chosen`: { q, province, mineral, site, state, group, view }, "" for all. */
export function fleetFilter({ text, places, ways, changed }) {
  const address = new URL(location.href);
  const chosen = read(address);
  text.value = chosen.q;

  const links = Object.fromEntries(["csv", "xlsx"].map((kind) => [kind, h("a", { class: "button plain", download: "" }, icon(DOWN), t(`fleet.${kind}`))]));
  const selects = Object.fromEntries(Object.keys(PLACES).map((name) => [name, select(name)]));
  const group = select("group");
  group.append(...GROUPS.map((name) => h("option", { value: name }, t(`fleet.group.${name || "none"}`))));
  const views = VIEWS.map((name) => h("button", { type: "button", class: "button", onclick: () => choose({ view: name }) }, t(`fleet.view.${name}`)));
  places.append(...Object.values(selects), group);
  ways.append(h("div", { class: "switch", role: "group", "aria-label": t("fleet.view") }, views), links.csv, links.xlsx);

  function select(name) {
    return h("select", { class: "field", "aria-label": t(`fleet.by.${name}`), "data-name": name, onchange: (event) => choose({ [name]: event.target.value }) });
  }

  function remember() {
    for (const name of NAMES) {
      const value = chosen[name];
      if (value && !(name === "view" && value === "list")) address.searchParams.set(name, value);
      else address.searchParams.delete(name);
    }
    history.replaceState(null, "", address);
  }

  function show() {
    for (const [name, node] of Object.entries({ ...selects, group })) {
      if (node.value !== chosen[name]) node.value = chosen[name];
      setAttribute(node, "data-chosen", chosen[name] && name !== "group" ? "" : null);
    }
    group.hidden = chosen.view !== "list";
    views.forEach((node, place) => setAttribute(node, "aria-pressed", String(chosen.view === VIEWS[place])));
    const query = new URLSearchParams(EXPORTED.filter((name) => chosen[name]).map((name) => [name, chosen[name]]));
    query.set("lang", language);
    for (const [kind, node] of Object.entries(links)) setAttribute(node, "href", `/api/v1/fleet.${kind}?${query}`);
  }

  function choose(change) {
    Object.assign(chosen, change);
    if (change.q !== undefined && text.value !== change.q) text.value = change.q;
    remember();
    show();
    changed();
  }
  text.addEventListener("input", () => choose({ q: text.value }));
  show();

  return {
    chosen,
    choose,
    clear: () => choose({ q: "", province: "", mineral: "", site: "", state: "" }),
    /** Fill the lists of places and minerals with what there is. */
    offer(units) {
      for (const [name, node] of Object.entries(selects)) {
        const counts = new Map();
        for (const unit of units) counts.set(unit[name], (counts.get(unit[name]) ?? 0) + 1);
        if (chosen[name] && !counts.has(chosen[name])) counts.set(chosen[name], 0);
        const options = [...counts].map(([value, count]) => ({ value, count, name: word(PLACES[name], value) }));
        options.sort((a, b) => a.name.localeCompare(b.name, language));
        const known = new Map([...node.options].map((option) => [option.value, option]));
        const all = known.get("") ?? h("option", { value: "" });
        setText(all, t(`fleet.every.${name}`));
        arrange(node, [all, ...options.map((one) => {
          const option = known.get(one.value) ?? h("option", { value: one.value });
          setText(option, t("fleet.option", { name: one.name, n: number(one.count) }));
          return option;
        })]);
        node.value = chosen[name];
      }
    },
    /** The units in question whatever their state is. */
    scope(units) {
      const wanted = folded(chosen.q).trim().split(/\s+/).filter(Boolean);
      const { province, mineral, site } = chosen;
      if (!wanted.length && !province && !mineral && !site) return units;
      return units.filter(
        (unit) =>
          (!province || unit.province === province) &&
          (!mineral || unit.mineral === mineral) &&
          (!site || unit.site === site) &&
          wanted.every((part) => haystack(unit).includes(part)),
      );
    },
  };
}
