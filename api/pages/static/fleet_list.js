// The list: units in order of trouble, in groups or not; rows are made as they are needed and drawn while in sight.

import { arrange, h, setAttribute, setText } from "./dom.js";
import { fleetGroup } from "./fleet_group.js";
import { fleetRow } from "./fleet_row.js";
import { byTrouble, sums } from "./fleet_units.js";
import { number } from "./format.js";
import { language, t, word } from "./language.js";

const FIRST = 60;
const MOST_DAYS = 24;
const ALL_OPEN = 60;
const KINDS = { province: "place", mineral: "mineral", site: "place" };

const heading = (name, key, extra = "") => h("th", { scope: "col", role: "columnheader", class: `label ${name} ${extra}` }, t(key));

export function fleetList({ place, clear }) {
  const body = h("tbody", { role: "rowgroup" });
  const table = h(
    "table",
    { class: "units", role: "table", "aria-label": t("fleet.title") },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        heading("state", "column.state"),
        heading("unit", "column.unit"),
        heading("day", "column.day"),
        heading("rate", "column.rate"),
        heading("tonnes", "column.tonnes", "num"),
        heading("last-tonne", "column.last-tonne", "num"),
        heading("seen", "column.seen", "num"),
        heading("alerts", "column.alerts", "num"),
      ),
    ),
    body,
  );
  const nothing = h("div", { class: "notice", hidden: true }, h("p", {}), h("button", { type: "button", class: "button", onclick: clear }, t("fleet.clear")));
  const more = h("button", { type: "button", class: "more button", hidden: true, onclick: () => grow() });
  place.append(table, more, nothing);

  const rows = new Map(); // id -> row, only of units that are in the list now
  const groups = new Map();
  const flipped = new Set(); // groups that somebody opened or closed
  let limit = FIRST;
  let last = null;
  let key = "";

  // Rows out of sight are not drawn: with hundreds of them, each second would cost the phone's battery.
  const sight = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.target === more) {
          if (entry.isIntersecting && !more.hidden) grow();
          continue;
        }
        const row = rows.get(entry.target.dataset.unit);
        if (!row) continue;
        row.seen = entry.isIntersecting;
        if (row.seen && row.stale) draw(row, last.now);
      }
    },
    { rootMargin: "300px" },
  );
  sight.observe(more);

  function grow() {
    limit += FIRST;
    if (last) show(last);
  }

  function draw(row, now) {
    row.stale = false;
    row.show(row.unit, now, row.withDay && row.timed, row.blind);
  }

  function rowOf(unit, position, { now, timed, blind }) {
    let row = rows.get(unit.id);
    const fresh = !row;
    if (fresh) {
      row = fleetRow(unit);
      rows.set(unit.id, row);
      sight.observe(row.node);
    }
    Object.assign(row, { unit, timed, blind, withDay: position < MOST_DAYS, used: true });
    if (fresh || row.seen) draw(row, now);
    else row.stale = true;
    return row.node;
  }

  function groupOf(name, value) {
    const id = `${name}/${value}`;
    if (!groups.has(id)) {
      groups.set(id, fleetGroup(value ? word(KINDS[name], value) : t("not-known"), () => {
        if (!flipped.delete(id)) flipped.add(id);
        show(last);
      }));
    }
    return { id, group: groups.get(id) };
  }

  /** Units in groups, those with trouble first: [{ value, units, sum, name }]. */
  function grouped(units, name) {
    const found = new Map();
    for (const unit of units) {
      if (!found.has(unit[name])) found.set(unit[name], []);
      found.get(unit[name]).push(unit);
    }
    const all = [...found].map(([value, own]) => ({ value, units: own, sum: sums(own), name: word(KINDS[name], value) }));
    return all.sort((a, b) => a.sum.rank - b.sum.rank || b.sum.troubled - a.sum.troubled || a.name.localeCompare(b.name, language));
  }

  function show(what) {
    const { units, group, empty } = (last = what);
    for (const row of rows.values()) row.used = false;
    const nodes = [];
    let position = 0;
    let hidden = 0;
    const put = (own) => {
      const room = Math.max(0, limit - position);
      for (const unit of own.slice(0, room)) nodes.push(rowOf(unit, position++, what));
      hidden += Math.max(0, own.length - room);
    };
    if (group) {
      for (const one of grouped(units, group)) {
        const { id, group: node } = groupOf(group, one.value);
        const open = (units.length <= ALL_OPEN) !== flipped.has(id);
        node.show(one, open);
        nodes.push(node.node);
        if (open) put(one.units.sort(byTrouble));
      }
    } else put([...units].sort(byTrouble));
    arrange(body, nodes);
    for (const [id, row] of rows) {
      if (row.used) continue;
      sight.unobserve(row.node);
      rows.delete(id);
    }
    setAttribute(table, "data-bare", group && position === 0 ? "" : null);
    table.hidden = units.length === 0;
    more.hidden = hidden === 0;
    if (hidden) setText(more, t("fleet.more", { n: number(hidden) }));
    nothing.hidden = units.length > 0;
    setText(nothing.firstElementChild, t(empty ? "fleet.empty.hint" : "fleet.nothing"));
    nothing.lastElementChild.hidden = empty;
  }

  return {
    /** `key`: what was chosen; with another choice the list begins at its top again. */
    show(what) {
      if (what.key !== key) {
        key = what.key;
        limit = FIRST;
      }
      setAttribute(table, "data-group", what.group || null);
      show(what);
    },
  };
}
