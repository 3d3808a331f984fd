// The heading of a group in the list: how many units are in which state, and what they do together.

import { arrange, h, setAttribute, setText, svg } from "./dom.js";
import { byGravity } from "./fleet_units.js";
import { mass } from "./fleet_summary.js";
import { number, percent } from "./format.js";
import { t } from "./language.js";
import { stateIcon, stateWord } from "./states.js";

export function fleetGroup(name, flip) {
  const count = h("span", { class: "quiet" });
  const states = h("span", { class: "states" });
  const rate = h("span", {});
  const tonnes = h("span", {});
  const alerts = h("span", { class: "group-alerts" });
  const arrow = svg("svg", { class: "icon arrow", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: "M4 6l4 4 4-4" }));
  const button = h("button", { type: "button", class: "group-name", onclick: flip }, arrow, h("bdi", {}, name), count);
  const node = h("tr", { role: "row", class: "group" }, h("td", { role: "cell", colspan: 8 }, h("div", { class: "group-line" }, button, states, h("span", { class: "group-sums" }, rate, tonnes, alerts))));
  const marks = new Map();

  function mark(state) {
    if (!marks.has(state)) {
      const n = h("b", {});
      marks.set(state, { n, node: h("span", { class: "state-count", "data-state": state, title: stateWord(state) }, stateIcon(state), h("span", { class: "unseen" }, stateWord(state)), n) });
    }
    return marks.get(state);
  }

  return {
    node,
    show({ units, sum }, open) {
      setAttribute(button, "aria-expanded", String(open));
      setAttribute(node, "data-tone", sum.tone);
      setAttribute(node, "data-state", sum.state);
      setText(count, number(units.length));
      const order = byGravity(sum.states);
      for (const [state, n] of order) setText(mark(state).n, number(n));
      arrange(states, order.map(([state]) => mark(state).node));
      const share = sum.target > 0 ? percent(sum.rate / sum.target) : "";
      setText(rate, t("group.rate", { n: number(sum.rate, 1), target: number(sum.target, 1), share }));
      setText(tonnes, t("group.tonnes", { today: mass(sum.today), month: mass(sum.month) }));
      setText(alerts, sum.alerts ? t("alerts.count", { n: number(sum.alerts) }) : "");
    },
  };
}
