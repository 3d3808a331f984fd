// A unit's alerts: what stands, since when, what it cost; to acknowledge and to comment.

import { perform, troubleOf } from "./alert_acts.js";
import { byUrgency, factsOf, isOpen, isUntaken, kindWord, noteText, sentenceOf, showPriority } from "./alert_words.js";
import { ask } from "./api.js";
import { arrange, h, setAttribute, setText } from "./dom.js";
import { instant, moment, number } from "./format.js";
import { join, t, word } from "./language.js";
import { keepPersonName, personName } from "./person.js";

const CLOSED_SHOWN = 8;
const NAMELESS = new Error("no name");

function noteLine(note, now) {
  return h("li", {}, h("b", {}, h("bdi", {}, note.by)), " ", h("span", { class: "quiet" }, moment(instant(note.at), now)), h("bdi", { class: "note-text" }, noteText(note)));
}

function card({ act }) {
  const title = h("a", { class: "alert-title" });
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
      if (error !== NAMELESS) setText(fault, troubleOf(error));
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
      showPriority(mark, alert.priority);
      setText(title, kindWord(alert));
      setAttribute(title, "href", `/alerts/${id}`);
      setText(state, word("alert.state", alert.state));
      setText(sentence, sentenceOf(alert));
      setText(facts, join(...factsOf(alert, now)));
      const newest = `${alert.notes?.length ?? 0}`;
      if (notes.dataset.count !== newest) {
        notes.dataset.count = newest;
        notes.replaceChildren(...(alert.notes ?? []).map((note) => noteLine(note, now)));
      }
      acknowledge.hidden = !isUntaken(alert);
    },
  };
}

export function alertPanel({ unitId, now }) {
  const who = h("input", { class: "field", id: "who", autocomplete: "name", maxlength: 80, value: personName() });
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
    keepPersonName(who.value);
  });

  async function act(id, what, body) {
    const by = who.value.trim();
    if (!by) {
      needed.hidden = false;
      who.focus();
      throw NAMELESS;
    }
    await perform(id, what, by, body);
    await read();
  }

  async function read() {
    const page = await ask(`/api/v1/alerts?unit=${encodeURIComponent(unitId)}`);
    alerts = page.items;
    draw();
  }

  function draw() {
    const at = now();
    const shown = [...alerts].sort(byUrgency);
    const nodes = { open: [], closed: [] };
    for (const alert of shown) {
      const over = !isOpen(alert);
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
