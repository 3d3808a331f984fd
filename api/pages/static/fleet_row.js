// One unit's row on the fleet page.

import { readDay } from "./day.js";
import { h, setAttribute, setText, svg } from "./dom.js";
import { mass } from "./fleet_summary.js";
import { ago, moment, number, percent, span } from "./format.js";
import { join, t, word } from "./language.js";
import { narrowStrip } from "./narrow_strip.js";
import { shareOfTarget } from "./standing.js";
import { icon, reasonWord, stateBadge, stateOf } from "./states.js";

const BELL = "M8 2c-2.6 0-4 2-4 4.5C4 10 2.5 11 2.5 11h11S12 10 12 6.5C12 4 10.6 2 8 2zM6.8 13.6h2.4";
const LINK = "M2 6a9 9 0 0 1 12 0M4.5 9a5.3 5.3 0 0 1 7 0M8 12.5v.1M2.5 13.5l11-11";

const DAY_MS = 86_400_000;
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
    /** A strip that nobody keeps up must not stand there as if it were of now. */
    clear() {
      if (!known) return;
      known = false;
      key = null;
      readAt = -Infinity;
      strip.node.replaceChildren();
    },
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

/** Why a unit stands as it does; what the badge says already is left out. */
export const causeOf = (unit) => reasonWord(unit.reason, unit.code);

export function fleetRow(unit) {
  const badge = stateBadge();
  const since = h("span", { class: "since" });
  const where = h("div", { class: "where" });
  const reason = h("span", { class: "reason" });
  const contact = h("span", { class: "tag", hidden: true }, icon(LINK), h("span", {}));
  const rate = h("span", { class: "big" });
  const against = h("span", { class: "small" });
  const bar = bullet();
  const day = dayStrip(unit.id);
  const tonnes = h("span", { class: "big" });
  const month = h("span", { class: "sub month" });
  const lastTonne = h("span", {});
  const lastTonneAt = h("span", { class: "sub" });
  const seen = h("span", { class: "aged" });
  const unknown = h("span", { class: "sub" });
  const alerts = h("a", { class: "alert-count", href: `/alerts?unit=${encodeURIComponent(unit.id)}` }, icon(BELL), h("span", {}));
  const cell = (name, ...children) => h("td", { class: name, role: "cell" }, ...children);
  const node = h(
    "tr",
    { role: "row", "data-unit": unit.id },
    cell("state", badge.node, since),
    cell("unit", h("a", { class: "name ltr", href: `/units/${encodeURIComponent(unit.id)}` }, unit.id), where, reason),
    cell("day", day.node),
    cell("rate aged", h("span", { class: "figures-line" }, h("span", {}, rate, h("small", { class: "quiet" }, " ", word("ucum", "t/h"))), against), bar.node),
    h("td", { class: "tonnes num aged", role: "cell", "data-label": t("fleet.tonnes") }, h("span", { class: "today" }, tonnes, h("small", { class: "quiet" }, " ", word("ucum", "t"))), month),
    h("td", { class: "last-tonne num", role: "cell", "data-label": t("column.last-tonne") }, lastTonne, lastTonneAt),
    cell("seen num", seen, contact, unknown),
    cell("alerts num", alerts),
  );

  return {
    node,
    /**
     * `withDay`: whether to show the last 24 hours too; a fleet of thousands does not ask for all of them.
     * `blind`: this page hears nothing, so nothing is seen just now.
     */
    show(unit, now, withDay, blind) {
      if (withDay) day.show(unit, now);
      else day.clear();
      setAttribute(node, "data-state", stateOf(unit.state, unit.reason).name);
      setAttribute(node, "data-tone", unit.tone);
      setAttribute(node, "data-connection", unit.link);
      badge.show(unit.state, unit.reason, unit.code);
      setText(since, Number.isFinite(unit.since) ? join(span(now - unit.since), t("since", { moment: moment(unit.since, now) })) : t("not-known"));
      setText(where, [word("place", unit.site), word("place", unit.province), word("mineral", unit.mineral)].map((name) => `\u2068${name}\u2069`).join(t("separator")));
      setText(reason, causeOf(unit));
      reason.hidden = !reason.textContent;
      setText(rate, number(unit.throughput_tph, 1));
      const share = shareOfTarget(unit);
      const target = number(unit.target_tph, 1);
      setText(against, share === null ? t("target", { n: target }) : t("rate.against", { share: percent(share), n: target }));
      bar.show(share);
      setText(tonnes, number(unit.tonnes_today, 1));
      setText(month, t("tonnes.month", { n: mass(unit.tonnes_month) }));
      const idle = Number.isFinite(unit.lastTonne) ? now - unit.lastTonne : NaN;
      const days = Math.floor(idle / DAY_MS);
      setText(lastTonne, Number.isFinite(idle) ? (days >= 1 ? t(days === 1 ? "days.one" : "days", { n: number(days) }) : ago(idle)) : t("never"));
      setAttribute(lastTonne, "class", days >= 1 || !Number.isFinite(idle) ? "dry" : null);
      setText(lastTonneAt, Number.isFinite(idle) ? moment(unit.lastTonne, now) : "");
      setText(seen, Number.isFinite(unit.lastSeen) ? (unit.link === "live" && !blind ? t("seen.live") : ago(now - unit.lastSeen)) : t("never"));
      setText(unknown, unit.unknown_h ? t("unknown", { n: number(unit.unknown_h, 1) }) : "");
      setAttribute(node, "data-unknown", unit.unknown_h ? "" : null);
      contact.hidden = unit.link === "live";
      if (!contact.hidden) setText(contact.lastChild, t(`connection.${unit.link}`));
      setText(alerts.lastChild, unit.alerts ? number(unit.alerts) : t("alerts.none"));
      setAttribute(alerts, "data-none", unit.alerts ? null : "");
      setAttribute(alerts, "href", unit.alerts ? `/alerts?unit=${encodeURIComponent(unit.id)}` : null);
      setAttribute(alerts, "role", unit.alerts ? null : "img");
      setAttribute(alerts, "aria-label", t("alerts.count", { n: number(unit.alerts) }));
    },
  };
}
