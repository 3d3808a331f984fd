// The head of the unit page: state, since when and why, what is being counted, the shift's and the day's figures.

import { h, setAttribute, setText, svg } from "./dom.js";
import { ago, countdown, minute, moment, number, percent, span } from "./format.js";
import { join, t, word } from "./language.js";
import { shareOfTarget } from "./standing.js";
import { reasonWord, stateBadge, stateOf, stateWord } from "./states.js";

const STANDING_IDLE = new Set(["IDLE", "STARVED"]);
const LEAST_UNKNOWN_H = 0.05;

function figure(key) {
  const value = h("span", {});
  const unit = h("small", {});
  const more = h("span", { class: "more" });
  return { node: h("div", { class: "figure" }, h("span", { class: "label" }, t(key)), h("span", { class: "value" }, value, " ", unit), more), value, unit, more };
}

function countdownRing() {
  const left = svg("circle", { class: "left", cx: 20, cy: 20, r: 16, pathLength: 100, "stroke-dasharray": "100 100", transform: "rotate(-90 20 20)" });
  const ring = svg("svg", { class: "ring", viewBox: "0 0 40 40", "aria-hidden": "true" }, svg("circle", { class: "whole", cx: 20, cy: 20, r: 16 }), left);
  const what = h("span", { class: "what" });
  const time = h("span", { class: "time", role: "timer" });
  const why = h("span", { class: "why" });
  const node = h("div", { class: "pending", hidden: true }, ring, h("div", {}, h("div", { class: "line" }, what, " ", time), why));
  return {
    node,
    show(pending, frozen) {
      node.hidden = !pending;
      if (!pending) return;
      setAttribute(node, "data-state", pending.state);
      setText(what, t("pending", { state: stateWord(pending.state) }));
      setText(time, countdown(pending.remaining_s));
      setAttribute(left, "stroke-dasharray", `${((100 * pending.remaining_s) / (pending.total_s || 1)).toFixed(2)} 100`);
      const parts = frozen ? [t("pending.frozen")] : [t("pending.rule", { total: span(pending.total_s * 1000) })];
      if (!frozen && pending.rule) parts.push(t("pending.alert", { rule: word("kind", pending.rule) }));
      setText(why, parts.join(" "));
    },
  };
}

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
function shiftBlock() {
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

export function unitHead(unit) {
  const badge = stateBadge("badge big-badge");
  const since = h("span", { class: "since" });
  const reason = h("span", { class: "reason", role: "status" });
  const provisional = h("span", { class: "provisional quiet", title: t("provisional.title") }, t("provisional"));
  const seen = h("span", { class: "seen quiet" });
  const state = h("div", { class: "state-block" }, h("div", { class: "state-line", role: "status" }, badge.node), h("div", { class: "state-why" }, reason, since, provisional, seen));
  const pending = countdownRing();
  const rate = figure("unit.rate");
  const shift = shiftBlock();
  const tonnes = figure("unit.tonnes");
  const unknown = h("span", { class: "more unknown", hidden: true });
  tonnes.node.append(unknown);
  const ore = figure("unit.ore");
  const lastTonne = figure("unit.last-tonne");
  const contact = h("p", { class: "contact", role: "alert", hidden: true });
  const node = h(
    "section",
    { class: "head panel" },
    h(
      "div",
      { class: "who-where" },
      h("h1", {}, h("span", { class: "ltr" }, unit.id)),
      h("p", {}, h("bdi", {}, word("place", unit.site)), t("separator"), h("bdi", {}, word("place", unit.province))),
      h("p", { class: "quiet" }, word("mineral", unit.mineral), t("separator"), h("bdi", { class: "ltr" }, unit.model)),
      h(
        "p",
        { class: "wall-links" },
        h("a", { class: "wall-link", href: `/units/${encodeURIComponent(unit.id)}/inputs` }, t("unit.inputs")),
        h("a", { class: "wall-link", href: `/wall?units=${encodeURIComponent(unit.id)}` }, t("unit.wall")),
      ),
    ),
    state,
    pending.node,
    h("div", { class: "figures" }, rate.node, shift.node, tonnes.node, ore.node, lastTonne.node),
    contact,
  );

  return {
    node,
    /** `blind`: this page hears nothing, so whether the unit is connected is not known. */
    show(standing, now, blind) {
      const { name, tone } = stateOf(standing.state, standing.reason);
      setAttribute(node, "data-state", name);
      setAttribute(node, "data-tone", tone);
      setAttribute(node, "data-connection", standing.connection);
      badge.show(standing.state, standing.reason, standing.code);
      setText(since, Number.isFinite(standing.since) ? join(span(now - standing.since), t("since", { moment: moment(standing.since, now) })) : "");
      setText(reason, reasonWord(standing.reason, standing.code));
      reason.hidden = !reason.textContent;
      provisional.hidden = !standing.provisional;
      // What is counted towards the state that stands already is said by the state.
      const counts = standing.pending && !(standing.pending.state === standing.state && STANDING_IDLE.has(standing.state) && standing.pending.remaining_s <= 0);
      pending.show(counts ? standing.pending : null, standing.connection !== "live");
      setText(rate.value, number(standing.throughput_tph, 1));
      setText(rate.unit, word("ucum", "t/h"));
      const share = shareOfTarget(standing);
      setText(rate.more, share === null ? t("target", { n: number(standing.target_tph, 1) }) : t("unit.of-target", { share: percent(share), target: number(standing.target_tph, 1) }));
      setText(tonnes.value, number(standing.tonnes_today, 1));
      setText(tonnes.unit, word("ucum", "t"));
      setText(tonnes.more, standing.tonnes_month === null ? "" : t("unit.month", { n: number(standing.tonnes_month, 0) }));
      unknown.hidden = !(standing.unknown_h >= LEAST_UNKNOWN_H);
      if (!unknown.hidden) setText(unknown, t("unit.unknown", { span: span(standing.unknown_h * 3_600_000) }));
      shift.show(standing.shift, now);
      ore.node.hidden = standing.ore === null && standing.moisture_pct === null;
      setText(ore.value, standing.ore ?? t("not-known"));
      setText(ore.more, standing.moisture_pct === null ? "" : t("unit.moisture", { n: number(standing.moisture_pct, 1) }));
      setText(lastTonne.value, Number.isFinite(standing.last_tonne_at) ? moment(standing.last_tonne_at, now) : t("never"));
      setText(lastTonne.more, Number.isFinite(standing.last_tonne_at) ? ago(now - standing.last_tonne_at) : "");
      const heard = Number.isFinite(standing.last_seen) ? ago(now - standing.last_seen) : t("never");
      setText(seen, blind ? t("not-known") : t("unit.seen", { when: heard }));
      contact.hidden = standing.connection === "live" || standing.connection === null;
      setAttribute(contact, "data-connection", standing.connection);
      if (!contact.hidden) setText(contact, t(`connection.${standing.connection}.note`, { moment: moment(standing.last_seen, now) }));
    },
  };
}
