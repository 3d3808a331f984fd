// Production of this shift: tonnes so far against the plan, and where they should be by now.

import { h, setAttribute, setText, svg } from "./dom.js";
import { minute, number, span } from "./format.js";
import { join, t } from "./language.js";

/** More than this share of the plan's part by now is not called ahead or behind. */
const NEAR = 0.03;
const LAGS = 0.9;

/** What a shift should have made by `now`, in tonnes; null without a plan. The plan is spread evenly over the shift. */
export function dueBy(shift, now) {
  if (shift.plan_t === null || shift.plan_t === undefined || !(shift.end > shift.start)) return null;
  return shift.plan_t * Math.min(1, Math.max(0, (now - shift.start) / (shift.end - shift.start)));
}

/** How it goes: { due, off (t, ahead of the plan), tone } or null where it cannot be said. */
export function againstPlan(shift, now) {
  const due = dueBy(shift, now);
  if (due === null || shift.tonnes === null || shift.tonnes === undefined || !shift.plan_t) return null;
  const near = Math.abs(shift.tonnes - due) <= NEAR * shift.plan_t;
  return { due, off: near ? 0 : shift.tonnes - due, tone: !near && shift.tonnes < LAGS * due ? "attention" : "calm" };
}

/** `show(shift, now)`; hidden where the unit has no shift. */
export function shiftBlock() {
  const label = h("span", { class: "label" });
  const value = h("span", {});
  const plan = h("small", {});
  const fill = svg("rect", { class: "fill", height: "100%", width: 0 });
  const due = svg("rect", { class: "due", y: "-30%", height: "160%", width: 3 });
  const track = svg("svg", { class: "shift-track", role: "img" }, svg("rect", { class: "whole", width: "100%", height: "100%" }), fill, due);
  const more = h("span", { class: "more" });
  const node = h("div", { class: "figure shift", hidden: true }, label, h("span", { class: "value" }, value, " ", plan), track, more);
  return {
    node,
    show(shift, now) {
      node.hidden = !shift;
      if (!shift) return;
      const planned = shift.plan_t !== null && shift.plan_t !== undefined;
      const goes = againstPlan(shift, now);
      setText(label, join(t("shift.title", { n: number(shift.number) }), `${minute(shift.start)} – ${minute(shift.end)}`));
      setText(value, number(shift.tonnes, 1));
      setText(plan, !planned ? t("shift.no-plan") : shift.plan_t === 0 ? t("shift.not-worked") : t("shift.plan", { plan: number(shift.plan_t, 1) }));
      track.toggleAttribute("hidden", !shift.plan_t);
      if (shift.plan_t) {
        const share = (tonnes) => `${(100 * Math.min(1, Math.max(0, tonnes / shift.plan_t))).toFixed(2)}%`;
        setAttribute(fill, "width", share(shift.tonnes ?? 0));
        setAttribute(due, "x", share(dueBy(shift, now)));
        setAttribute(track, "aria-label", t("shift.label", { n: number(shift.number), tonnes: number(shift.tonnes, 1), plan: number(shift.plan_t, 1), due: number(dueBy(shift, now), 1) }));
      }
      setAttribute(node, "data-tone", goes?.tone ?? null);
      const off = goes && (goes.off === 0 ? t("shift.on-plan") : t(goes.off > 0 ? "shift.ahead" : "shift.behind", { n: number(Math.abs(goes.off), 1) }));
      setText(more, join(off, now < shift.end ? t("shift.left", { span: span(shift.end - now) }) : t("shift.over")));
    },
  };
}
