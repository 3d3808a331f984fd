// Above the list: what has to be known first, the fleet in four figures, and how many units are in which state.

import { arrange, h, setAttribute, setText } from "./dom.js";
import { byGravity } from "./fleet_units.js";
import { number, percent } from "./format.js";
import { join, t, word } from "./language.js";
import { stateIcon, stateWord } from "./states.js";

function figure(place, key, href = null) {
  const label = h("span", { class: "label" }, t(key));
  const value = h("span", {});
  const more = h("small", {});
  place.append(h(href ? "a" : "div", { class: "figure", href }, label, h("span", { class: "value" }, value, " ", more)));
  return { label, value, more };
}

/** Large masses without decimals: nobody reads tenths of 40,000 t. */
export const mass = (tonnes) => number(tonnes, tonnes !== null && Math.abs(tonnes) >= 1000 ? 0 : 1);

export function fleetSummary({ headline, figures, chips, choose }) {
  const rate = figure(figures, "fleet.rate");
  const today = figure(figures, "fleet.tonnes");
  const month = figure(figures, "fleet.month");
  const alerts = figure(figures, "fleet.alerts", "/alerts");
  const nodes = new Map();

  function chip(state) {
    if (!nodes.has(state)) {
      const count = h("b", {});
      const node = h("button", { type: "button", class: "chip", "data-state": state || null, onclick: () => choose(state) }, state ? stateIcon(state) : null, h("span", {}, state ? stateWord(state) : t("fleet.all")), count);
      nodes.set(state, { node, count });
    }
    return nodes.get(state);
  }

  return {
    /** `total`: sums over all that is in question; `count`: how many that are; `chosen`: the state that is filtered by. */
    show(total, count, chosen, monthOf) {
      const states = new Map(total.states);
      if (chosen && !states.has(chosen)) states.set(chosen, 0);
      const order = [["", count], ...byGravity(states)];
      for (const [state, n] of order) {
        setText(chip(state).count, number(n));
        setAttribute(chip(state).node, "aria-pressed", String(chosen === state));
      }
      arrange(chips, order.map(([state]) => chip(state).node));

      const key = count === 0 ? "empty" : total.troubled === 0 ? "none" : total.troubled === 1 ? "one" : "many";
      setText(headline.firstElementChild, t(`fleet.headline.${key}`, { n: number(total.troubled), all: number(count) }));
      setAttribute(headline, "data-trouble", String(total.troubled > 0));
      setAttribute(headline, "data-critical", String(total.critical));

      setText(rate.value, number(total.rate, 1));
      setText(rate.more, join(t("fleet.of-target", { target: number(total.target, 1) }), total.target > 0 && percent(total.rate / total.target)));
      setText(today.value, mass(total.today));
      setText(today.more, word("ucum", "t"));
      if (monthOf) setText(month.label, t("fleet.month.of", { month: t(`month.${monthOf[1]}`) }));
      setText(month.value, mass(total.month));
      setText(month.more, total.month === null ? "" : word("ucum", "t"));
      setText(alerts.value, number(total.alerts));
    },
  };
}
