// A unit's alerts: what stands, since when, what it cost; to acknowledge and to comment.

import { ask, send } from "./api.js";
import { arrange, h, setAttribute, setText } from "./dom.js";
import { instant, moment, number, percent, span } from "./format.js";
import { join, language, t, word } from "./language.js";
import { icon, reasonWord } from "./states.js";

const CLOSED_SHOWN = 8;
const PRIORITY_ICON = { high: "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1", medium: "M8 2l6 6-6 6-6-6zM8 5.5v3M8 10.6v.1", low: "M8 2a6 6 0 1 0 .01 0zM8 7.5v4M8 4.8v.1" };
const NAMELESS = new Error("no name");
const ORDER = { UNACK: 0, RTNUN: 1, ACKED: 2, SHLVD: 3, NORM: 4 };

function rememberedName() {
  try {
    return localStorage.getItem("orewatch.name") ?? "";
  } catch {
    return "";
  }
}

function noteLine(note, now) {
  return h("li", {}, h("b", {}, h("bdi", {}, note.by)), " ", h("span", { class: "quiet" }, moment(instant(note.at), now)), h("bdi", { class: "note-text" }, note.text));
}

/** Why, and by how much. The head of the card says what, the line below it since when. */
function sentenceOf(alert) {
  const { mean_tph: mean, target_tph: target } = alert.figures ?? {};
  const figures = typeof mean === "number" && target > 0 ? t("alert.mean", { mean: number(mean, 1), share: percent(mean / target), target: number(target, 1) }) : "";
  return join(reasonWord(alert.reason), figures) || (alert.text?.[language] ?? "");
}

function card({ act }) {
  const title = h("span", { class: "alert-title" });
  const state = h("span", { class: "alert-state" });
  const sentence = h("p", { class: "alert-text" });
  const facts = h("p", { class: "alert-facts" });
  const notes = h("ul", { class: "notes" });
  const acknowledge = h("button", { type: "button", class: "primary" }, t("alert.acknowledge"));
  const text = h("textarea", { class: "field", rows: 2, maxlength: 2000, "aria-label": t("alert.comment.text"), placeholder: t("alert.comment.text") });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const form = h("form", { class: "comment", hidden: true }, text, h("button", { class: "button" }, t("alert.comment.send")));
  const toggle = h("button", { type: "button", class: "button", "aria-expanded": "false" }, t("alert.comment"));
  const mark = h("span", { class: "alert-mark" });
  const node = h("li", { class: "alert" }, h("header", {}, mark, title, state), sentence, facts, notes, h("div", { class: "actions" }, acknowledge, toggle), form, fault);
  let id = null;

  async function perform(what, body) {
    acknowledge.disabled = true;
    fault.hidden = true;
    try {
      await act(id, what, body);
      return true;
    } catch (error) {
      // A missing name is said beside its field.
      if (error !== NAMELESS) setText(fault, t("alert.failed", { why: error.message }));
      fault.hidden = error === NAMELESS;
      return false;
    } finally {
      acknowledge.disabled = false;
    }
  }

  acknowledge.addEventListener("click", () => perform("acknowledge", {}));
  toggle.addEventListener("click", () => {
    form.hidden = !form.hidden;
    toggle.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) text.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (text.value.trim() && (await perform("comment", { text: text.value.trim() }))) {
      text.value = "";
      form.hidden = true;
      toggle.setAttribute("aria-expanded", "false");
    }
  });

  return {
    node,
    show(alert, now) {
      id = alert.id;
      setAttribute(node, "data-state", alert.state);
      setAttribute(node, "data-priority", alert.priority);
      if (mark.dataset.priority !== alert.priority) {
        mark.dataset.priority = alert.priority;
        mark.replaceChildren(icon(PRIORITY_ICON[alert.priority] ?? PRIORITY_ICON.low), h("span", { class: "unseen" }, word("priority", alert.priority)));
      }
      setText(title, word("kind", alert.kind));
      setText(state, word("alert.state", alert.state));
      setText(sentence, sentenceOf(alert));
      const onset = instant(alert.onset_at);
      const cleared = instant(alert.cleared_at);
      const parts = [t("alert.onset", { moment: moment(onset, now) })];
      if (Number.isFinite(cleared)) parts.push(t("alert.cleared", { moment: moment(cleared, now) }));
      parts.push(t("alert.lasts", { span: span((Number.isFinite(cleared) ? cleared : now) - onset) }));
      if (alert.tonnes_lost !== null && alert.tonnes_lost >= 0.05) parts.push(t("alert.lost", { n: number(alert.tonnes_lost, 1) }));
      if (alert.historical) parts.push(t("alert.historical"));
      if (alert.state === "SHLVD") parts.push(t("alert.shelved", { moment: moment(instant(alert.shelved_until), now) }));
      if (alert.acknowledged_by) parts.push(t("alert.acknowledged", { who: alert.acknowledged_by, moment: moment(instant(alert.acknowledged_at), now) }));
      setText(facts, join(...parts));
      const newest = `${alert.notes?.length ?? 0}`;
      if (notes.dataset.count !== newest) {
        notes.dataset.count = newest;
        notes.replaceChildren(...(alert.notes ?? []).map((note) => noteLine(note, now)));
      }
      acknowledge.hidden = !["UNACK", "RTNUN"].includes(alert.state);
    },
  };
}

export function alertPanel({ unitId, now }) {
  const who = h("input", { class: "field", id: "who", autocomplete: "name", maxlength: 80, value: rememberedName() });
  const needed = h("p", { class: "fault small", role: "alert", hidden: true }, t("alert.who.needed"));
  const open = h("ul", { class: "alert-list" });
  const none = h("p", { class: "quiet none" }, t("alert.none"));
  const closedList = h("ul", { class: "alert-list" });
  const closed = h("details", { class: "closed", hidden: true }, h("summary", {}), closedList);
  const whoRow = h("div", { class: "who" }, h("label", { for: "who", class: "small" }, t("alert.who")), who, needed);
  const node = h("div", { class: "alerts-body" }, none, open, whoRow, closed);
  const cards = new Map();
  let alerts = [];
  let changed = null;

  closed.addEventListener("toggle", () => draw());
  who.addEventListener("input", () => {
    needed.hidden = true;
    try {
      localStorage.setItem("orewatch.name", who.value);
    } catch {
      // not kept, then; it is asked again next time
    }
  });

  async function act(id, what, body) {
    const by = who.value.trim();
    if (!by) {
      needed.hidden = false;
      who.focus();
      throw NAMELESS;
    }
    await send(`/api/v1/alerts/${encodeURIComponent(id)}/${what}`, { by, ...body });
    await read();
  }

  async function read() {
    const page = await ask(`/api/v1/alerts?unit=${encodeURIComponent(unitId)}`);
    alerts = page.items;
    draw();
  }

  function draw() {
    const at = now();
    const shown = [...alerts].sort((a, b) => (ORDER[a.state] ?? 5) - (ORDER[b.state] ?? 5) || instant(b.raised_at) - instant(a.raised_at));
    const nodes = { open: [], closed: [] };
    for (const alert of shown) {
      const over = alert.state === "NORM";
      if (over && nodes.closed.length >= CLOSED_SHOWN) continue;
      if (!cards.has(alert.id)) cards.set(alert.id, card({ act }));
      const one = cards.get(alert.id);
      one.show(alert, at);
      nodes[over ? "closed" : "open"].push(one.node);
    }
    arrange(open, nodes.open);
    arrange(closedList, nodes.closed);
    none.hidden = nodes.open.length > 0;
    whoRow.hidden = nodes.open.length === 0 && !closed.open;
    closed.hidden = nodes.closed.length === 0;
    setText(closed.firstChild, `${t("alert.history")} (${number(nodes.closed.length)})`);
  }

  return {
    node,
    /** Called with every frame: read again when the service says that something changed. */
    take(told) {
      if (told?.changed !== changed) {
        const before = changed;
        changed = told?.changed;
        read().catch(() => {
          changed = before; // the next frame tries again
        });
      } else draw();
    },
  };
}
