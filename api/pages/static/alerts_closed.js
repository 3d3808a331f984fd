// The closed alerts: asked for when somebody wants them, a page at a time, newest first.

import { alertRow } from "./alert_row.js";
import { ask } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";

const PAGE = 50;

export function closedAlerts({ place, filter, now }) {
  const list = h("ul", { class: "rows", "aria-label": t("watch.closed") });
  const note = h("p", { class: "notice", role: "status", hidden: true });
  const panel = h("section", { class: "panel", hidden: true }, h("header", {}, h("h2", {}, t("watch.closed"))), list, note);
  const button = h("button", { type: "button", class: "button more", onclick: more }, t("watch.closed.show"));
  let rows = []; // { alert, row }
  let next = null;
  let begun = false;
  let asked = 0;
  place.append(panel, button);

  function say(key) {
    note.hidden = key === null;
    note.textContent = key === null ? "" : t(key);
  }

  async function more() {
    const mine = ++asked;
    begun = true;
    button.disabled = true;
    const query = filter.asked();
    query.set("state", "NORM");
    query.set("limit", String(PAGE));
    if (next !== null) query.set("after", next);
    try {
      const page = await ask(`/api/v1/alerts?${query}`);
      if (mine !== asked) return; // another question was asked meanwhile
      next = page.next;
      rows.push(...page.items.map((alert) => ({ alert, row: alertRow({ take() {} }) })));
      say(null);
      draw();
    } catch {
      if (mine === asked) {
        panel.hidden = false;
        say("watch.closed.trouble");
      }
    } finally {
      if (mine === asked) button.disabled = false;
    }
  }

  function draw() {
    if (!begun) return;
    const at = now();
    const shown = rows.filter(({ alert }) => filter.admits(alert));
    for (const { alert, row } of shown) row.show(alert, at);
    list.replaceChildren(...shown.map(({ row }) => row.node));
    panel.hidden = false;
    button.textContent = t("watch.closed.more");
    button.hidden = next === null;
    say(shown.length || next !== null ? null : "watch.closed.none");
  }

  return {
    draw,
    more,
    get begun() {
      return begun;
    },
    /** Another filter: what was read for the one before is forgotten. */
    again() {
      if (!begun) return;
      rows = [];
      next = null;
      more();
    },
  };
}
