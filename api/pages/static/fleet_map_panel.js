// Beside the map: the units of the mark that was chosen, trouble first, each with the way to its page.

import { arrange, h, setText } from "./dom.js";
import { causeOf } from "./fleet_row.js";
import { byGravity, byTrouble } from "./fleet_units.js";
import { number, span } from "./format.js";
import { join, t, word } from "./language.js";
import { stateBadge, stateWord } from "./states.js";

const MOST = 40;

function entry(unit) {
  const badge = stateBadge();
  const name = h("a", { class: "name ltr", href: `/units/${encodeURIComponent(unit.id)}` }, unit.id);
  const where = h("bdi", { class: "quiet small" }, word("place", unit.site));
  const more = h("span", { class: "small" });
  const node = h("li", {}, badge.node, h("span", { class: "entry" }, h("span", {}, name, " ", where), more));
  return {
    node,
    show(unit, now) {
      badge.show(unit.state, unit.reason, unit.code);
      const rate = unit.throughput_tph === null ? "" : `${number(unit.throughput_tph, 1)} ${word("ucum", "t/h")}`;
      setText(more, join(causeOf(unit), Number.isFinite(unit.since) ? span(now - unit.since) : "", rate));
    },
  };
}

export function mapPanel({ choose, zoom }) {
  const title = h("h2", { tabindex: "-1" });
  const states = h("p", { class: "small" });
  const closer = h("button", { type: "button", class: "button", onclick: () => shown && zoom(shown) }, t("map.closer"));
  const list = h("ul", { class: "held" });
  const more = h("p", { class: "quiet small" });
  const inList = h("button", { type: "button", class: "button", onclick: () => shown && choose({ view: "list", province: shown.units[0].province }) });
  const hint = h("p", { class: "quiet hint" }, t("map.hint"));
  const body = h("div", { class: "chosen" }, title, states, h("div", { class: "ways" }, closer, inList), list, more);
  const node = h("aside", { class: "map-panel", "aria-label": t("map.panel") }, hint, body);
  const entries = new Map();
  let shown = null;

  return {
    node,
    focus: () => title.focus(),
    /** `cluster`: the mark that was chosen, or null; `mayZoom`: whether there is closer to go. */
    show(cluster, now, mayZoom) {
      shown = cluster;
      hint.hidden = cluster !== null;
      body.hidden = cluster === null;
      if (cluster === null) return;
      const units = [...cluster.units].sort(byTrouble);
      const provinces = new Set(units.map((unit) => unit.province));
      setText(title, units.length > 1 ? t("map.units", { n: number(units.length) }) : t("map.unit"));
      setText(states, byGravity(cluster.sum.states).map(([state, n]) => `${stateWord(state)} ${number(n)}`).join(t("separator")));
      closer.hidden = units.length < 2 || !mayZoom;
      inList.hidden = provinces.size !== 1;
      setText(inList, t("map.list", { province: word("place", units[0].province) }));
      const first = units.slice(0, MOST);
      for (const id of entries.keys()) if (!first.some((unit) => unit.id === id)) entries.delete(id);
      arrange(list, first.map((unit) => {
        if (!entries.has(unit.id)) entries.set(unit.id, entry(unit));
        entries.get(unit.id).show(unit, now);
        return entries.get(unit.id).node;
      }));
      more.hidden = units.length <= MOST;
      setText(more, t("map.more", { n: number(units.length - MOST) }));
    },
  };
}
