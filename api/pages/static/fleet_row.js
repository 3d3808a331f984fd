// One unit's row on the fleet page.

import { readDay } from "./day.js";
import { h, setAttribute, setText, svg } from "./dom.js";
import { ago, countdown, moment, number, percent, span } from "./format.js";
import { join, t, word } from "./language.js";
import { narrowStrip } from "./narrow_strip.js";
import { shareOfTarget } from "./standing.js";
import { icon, reasonWord, stateBadge, stateOf, stateWord } from "./states.js";

const BELL = "M8 2c-2.6 0-4 2-4 4.5C4 10 2.5 11 2.5 11h11S12 10 12 6.5C12 4 10.6 2 8 2zM6.8 13.6h2.4";
const LINK = "M2 6a9 9 0 0 1 12 0M4.5 9a5.3 5.3 0 0 1 7 0M8 12.5v.1M2.5 13.5l11-11";

const DAY_REREAD_MS = 300_000;
const DAY_PAUSE_MS = 15_000;
const DAY_DRAW_MS = 30_000;

/** The rate as a bar whose right end is 125 % of the target; the mark is the target. */
function bullet() {
  const fill = svg("rect", { class: "fill", y: "22%", height: "56%", width: 0 });
  const node = svg(
    "svg",
    { class: "bullet", "aria-hidden": "true" },
    svg("rect", { class: "track", y: "22%", height: "56%", width: "100%", rx: 1 }),
    fill,
    svg("rect", { class: "target", x: "80%", width: 2, height: "100%" }),
  );
  return { node, show: (share) => setAttribute(fill, "width", `${(Math.min(1, Math.max(0, (share ?? 0) / 1.25)) * 100).toFixed(1)}%`) };
}

/** The unit's day, asked for once it is in sight, then when its state changes and every few minutes. */
function dayStrip(unitId) {
  const strip = narrowStrip();
  let intervals = [];
  let key = null;
  let readAt = -Infinity;
  let drawnAt = -Infinity;
  let asking = false;
  // Until the store has answered, a strip with the present state alone would say "nothing before": it says nothing.
  let known = false;
  async function read(standing, now) {
    asking = true;
    readAt = performance.now();
    try {
      intervals = await readDay(unitId, now);
      known = true;
      drawnAt = performance.now();
      strip.show(intervals, standing, now);
    } catch {
      key = null; // the next frame after a pause asks again
    } finally {
      asking = false;
    }
  }
  return {
    node: strip.node,
    show(standing, now) {
      const wanted = `${standing.state} ${standing.since}`;
      const age = performance.now() - readAt;
      if (!asking && (age > DAY_REREAD_MS || (wanted !== key && age > DAY_PAUSE_MS))) {
        key = wanted;
        read(standing, now);
      }
      if (!known || performance.now() - drawnAt < DAY_DRAW_MS) return;
      drawnAt = performance.now();
      strip.show(intervals, standing, now);
    },
  };
}

export function fleetRow(unit) {
  const badge = stateBadge();
  const since = h("span", { class: "since" });
  const reason = h("span", { class: "reason" });
  const contact = h("span", { class: "tag", hidden: true }, icon(LINK), h("span", {}));
  const rate = h("span", { class: "big" });
  const against = h("span", { class: "small" });
  const bar = bullet();
  const day = dayStrip(unit.id);
  const tonnes = h("span", { class: "big" });
  const lastTonne = h("span", {});
  const lastTonneAge = h("span", { class: "sub" });
  const seen = h("span", { class: "aged" });
  const alerts = h("span", { class: "alert-count" }, icon(BELL), h("span", {}));
  const cell = (name, ...children) => h("td", { class: name, role: "cell" }, ...children);
  const node = h(
    "tr",
    { role: "row", "data-unit": unit.id },
    cell("state", badge.node, since),
    cell(
      "unit",
      h("a", { class: "name ltr", href: `/units/${encodeURIComponent(unit.id)}` }, unit.id),
      h("div", { class: "where" }, h("bdi", {}, word("place", unit.site)), t("separator"), h("bdi", {}, word("place", unit.province)), t("separator"), word("mineral", unit.mineral)),
      reason,
    ),
    cell("day", day.node),
    cell("rate aged", h("span", { class: "figures-line" }, h("span", {}, rate, h("small", { class: "quiet" }, " ", word("ucum", "t/h"))), against), bar.node),
    h("td", { class: "tonnes num aged", role: "cell", "data-label": t("column.tonnes") }, tonnes, h("span", { class: "sub" }, word("ucum", "t"))),
    cell("last-tonne num", lastTonne, lastTonneAge),
    cell("seen num", seen, contact),
    cell("alerts num", alerts),
  );

  return {
    node,
    /** `day`: whether to show the last 24 hours too; a fleet of thousands does not ask for all of them. */
    show(standing, now, withDay) {
      if (withDay) day.show(standing, now);
      const state = stateOf(standing.state, standing.reason);
      setAttribute(node, "data-state", state.name);
      setAttribute(node, "data-tone", state.tone);
      setAttribute(node, "data-connection", standing.connection);
      badge.show(standing.state, standing.reason, standing.code);
      setText(since, Number.isFinite(standing.since) ? join(span(now - standing.since), t("since", { moment: moment(standing.since, now) })) : t("not-known"));
      const pending = standing.pending;
      const why = reasonWord(standing.reason, standing.code);
      setText(reason, pending ? `${t("pending", { state: stateWord(pending.state) })} ${countdown(pending.remaining_s)}` : why);
      reason.hidden = !reason.textContent;
      setAttribute(reason, "data-pending", pending ? pending.state : null);
      setText(rate, number(standing.throughput_tph, 1));
      const share = shareOfTarget(standing);
      const target = number(standing.target_tph, 1);
      setText(against, share === null ? t("target", { n: target }) : t("rate.against", { share: percent(share), n: target }));
      bar.show(share);
      setText(tonnes, number(standing.tonnes_today, 1));
      setText(lastTonne, Number.isFinite(standing.last_tonne_at) ? moment(standing.last_tonne_at, now) : t("never"));
      setText(lastTonneAge, Number.isFinite(standing.last_tonne_at) ? ago(now - standing.last_tonne_at) : "");
      setText(seen, Number.isFinite(standing.last_seen) ? ago(now - standing.last_seen) : t("never"));
      contact.hidden = standing.connection === "live" || standing.connection === null;
      if (!contact.hidden) setText(contact.lastChild, t(`connection.${standing.connection}`));
      setText(alerts.lastChild, standing.alerts ? number(standing.alerts) : t("alerts.none"));
      setAttribute(alerts, "data-none", standing.alerts ? null : "");
      setAttribute(alerts, "aria-label", t("alerts.count", { n: number(standing.alerts) }));
    },
  };
}
