// The narrow strip of a unit's last 24 hours that the fleet page shows in every row.

import { DAY_MS, merged, sumsOf } from "./day.js";
import { setAttribute, svg } from "./dom.js";
import { span } from "./format.js";
import { t } from "./language.js";
import { stateOf } from "./states.js";

const HEIGHT = 16;

/** A strip without words; the state beside it and the unit's page have them. */
export function narrowStrip() {
  const node = svg("svg", { class: "narrow-strip", role: "img", "aria-label": t("strip.none"), viewBox: `0 0 1440 ${HEIGHT}`, preserveAspectRatio: "none" });
  return {
    node,
    show(intervals, standing, now) {
      const shown = merged(intervals.map((one) => ({ ...one })), standing, now);
      const x = (ms) => ((ms - now + DAY_MS) / DAY_MS) * 1440;
      node.replaceChildren(
        ...shown.map((one) => {
          // What calls for somebody stands tall, what is well stays low: readable without the colours.
          const { name, tone } = stateOf(one.state, one.reason);
          const low = tone === "calm";
          const from = x(one.from);
          const shape = { x: from.toFixed(1), y: low ? 5 : 0, width: Math.max(3, x(one.to) - from).toFixed(1), height: low ? HEIGHT - 10 : HEIGHT };
          return svg("rect", { ...shape, "data-state": name });
        }),
      );
      const summary = [...sumsOf(shown).values()].map((one) => `${one.word} ${span(one.ms)}`);
      setAttribute(node, "aria-label", t("strip.label", { summary: summary.join(t("list")) }));
    },
  };
}
