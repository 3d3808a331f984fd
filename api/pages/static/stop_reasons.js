// Why the unit stands, in one tap: on the unit's page, while it stands. The tap counts from the onset of the standing
// state, and is kept and sent again when the link is down.

import { ask } from "./api.js";
import { h, setAttribute, setText } from "./dom.js";
import { instant, moment, span } from "./format.js";
import { join, language, learn, t } from "./language.js";
import { outbox, OutboxFull } from "./outbox.js";
import { outboxPanel } from "./outbox_panel.js";
import { keepPersonName, personName } from "./person.js";
import { isolated, titleOf } from "./said.js";

const EXPLAINED = new Set(["STARVED", "IDLE", "BLOCKED", "STOPPED_UNCODED", "BREAKDOWN"]);
const REREAD_MS = 20_000;
const UNDO_MS = 15 * 60_000;
const STYLES = ["/static/outbox.css", "/static/stop_reasons.css"];

/** Resolves once a style is there, or cannot be had: the buttons work without it. */
const styled = (href) => new Promise((done) => document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: done })));

/** Fill `panel`; `take(standing)` with every frame shows and hides it. */
export function stopReasons({ unitId, panel, now }) {
  const api = `/api/v1/units/${encodeURIComponent(unitId)}`;
  const page = `/units/${encodeURIComponent(unitId)}/inputs`;
  let standing = null;
  let told = null; // the answer of /inputs
  let readAt = -Infinity;
  let readFor = "";
  let tapped = null; // a reason that waits for a name
  let undoing = false; // the same of an undo
  let view = null;

  /** The stop that is on: as the service knows it, with what this browser has still to send. */
  function booked() {
    let stop = told?.stop ?? null;
    for (const one of outbox.entries()) {
      if (one.unit !== unitId || one.kind !== "stops" || one.state !== "waiting") continue;
      if (one.action === "withdraw") stop = stop && (one.after === stop.key || one.id === stop.id) ? null : stop;
      else if (!one.body.to && instant(one.body.from) <= now()) stop = { ...one.body, key: one.key, id: null, waiting: true, recorded_at: one.at };
    }
    return stop;
  }

  const open = () => EXPLAINED.has(standing?.state) || (standing?.state === "PLANNED_STOP" && (Boolean(standing.code) || booked() !== null));

  function tap(code) {
    tapped = code;
    undoing = false;
    if (!personName().trim()) {
      draw();
      view.name.focus();
      return;
    }
    book();
  }

  function book() {
    const code = tapped;
    tapped = null;
    const before = booked();
    const by = personName().trim();
    const at = now();
    setText(view.fault, "");
    try {
      if (before?.code === code) return;
      const body = { code, from: before?.from ?? new Date(Number.isFinite(standing.since) ? standing.since : at).toISOString(), to: null, by };
      if (before?.waiting) outbox.change(before.key, body, at);
      else outbox.put({ unit: unitId, kind: "stops", body: before ? { ...body, corrects: before.id } : body, at });
    } catch (error) {
      if (!(error instanceof OutboxFull)) throw error;
      setText(view.fault, t("outbox.full"));
    } finally {
      draw();
    }
  }

  function undo() {
    const stop = booked();
    if (!stop) return;
    const by = personName().trim();
    tapped = null;
    undoing = !by;
    if (undoing) {
      draw();
      view.name.focus();
      return;
    }
    const note = t("stop.undone");
    if (stop.waiting) outbox.takeBack(stop.key, { by, note, at: now() });
    else outbox.put({ unit: unitId, kind: "stops", action: "withdraw", id: stop.id, body: { by, note }, at: now() });
    draw();
  }

  async function read() {
    readAt = performance.now();
    const about = readFor;
    told = await ask(`${api}/inputs`);
    // A new state while the question was under way asks again.
    if (about !== readFor) readAt = -Infinity;
    draw();
  }

  function reread() {
    if (performance.now() - readAt > REREAD_MS) {
      read().catch(() => {
        readAt = performance.now() - REREAD_MS + 5_000; // the outage bar says so already; the buttons stay
      });
    }
  }

  function build() {
    const since = h("span", { class: "quiet small" });
    const title = h("h2", {});
    const grid = h("div", { class: "reasons", role: "group", "aria-label": t("stop.ask") });
    const line = h("p", { class: "booked", role: "status" });
    const undoButton = h("button", { type: "button", class: "button", onclick: undo }, t("stop.undo"));
    const fault = h("p", { class: "fault", role: "alert" });
    const name = h("input", { class: "field", id: "stop-name", autocomplete: "name", maxlength: 80, required: true });
    const go = h("button", { class: "primary" });
    const form = h("form", { class: "ask-name" }, h("label", { for: "stop-name" }, t("stop.name")), name, go, h("p", { class: "quiet small" }, t("stop.name.why")));
    const slot = h("div", { hidden: true }); // the form is on the page only while a tap waits for a name
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!name.value.trim()) {
        name.focus();
        return;
      }
      keepPersonName(name.value);
      if (undoing) undo();
      else if (tapped) book();
    });
    const waiting = outboxPanel({ unitId, now, reasons: () => told?.reasons ?? [], hrefOf: (entry) => `/units/${encodeURIComponent(entry.unit || unitId)}/inputs#${entry.kind}` });
    const links = h("p", { class: "stop-links small" }, h("a", { href: `${page}#stops` }, t("stop.plan")), h("a", { href: page }, t("stop.all")));
    const asking = h("div", { class: "asking" }, h("header", {}, title, since), h("div", { class: "booked-row" }, line, undoButton), slot, fault, grid);
    panel.replaceChildren(asking, waiting.node, links);
    view = { asking, title, since, grid, line, undoButton, fault, name, go, form, slot, waiting, buttons: new Map() };
  }

  function drawButtons(chosen) {
    const reasons = told?.reasons ?? [];
    // Set once for each stop: an order that changes under a finger books the wrong reason.
    if (view.grid.childElementCount !== reasons.length) {
      for (const { code, effect, title } of reasons) {
        if (!view.buttons.has(code)) view.buttons.set(code, h("button", { type: "button", class: "stop-reason", "data-code": code, "data-effect": effect, onclick: () => tap(code) }, title?.[language] ?? titleOf(code)));
      }
      view.grid.replaceChildren(...reasons.map((one) => view.buttons.get(one.code)));
    }
    for (const [code, button] of view.buttons) setAttribute(button, "aria-pressed", String(code === chosen));
  }

  function draw() {
    if (!view || !standing) return;
    const asks = open();
    const at = now();
    panel.hidden = false;
    setAttribute(panel, "data-mode", asks ? "ask" : "quiet");
    view.asking.hidden = !asks;
    if (!asks) {
      tapped = null;
      undoing = false;
      view.form.remove();
      view.grid.replaceChildren();
      return;
    }
    const stop = booked();
    drawButtons(tapped ?? stop?.code ?? null);
    setText(view.title, t(stop ? "stop.known" : "stop.ask"));
    const since = stop ? instant(stop.from) : standing.since;
    setText(view.since, join(t("since", { moment: moment(since, at) }), span(at - since)));
    const who = stop && [titleOf(stop.code, told?.reasons), t("stop.by", { who: isolated(stop.by), moment: moment(instant(stop.recorded_at), at) }), stop.waiting ? t("stop.waiting") : t("stop.until")];
    setText(view.line, who ? join(...who) : t("stop.one-tap"));
    setAttribute(panel, "data-known", stop ? "true" : null);
    setAttribute(view.line, "data-booked", stop ? (stop.waiting ? "waiting" : "kept") : null);
    view.undoButton.hidden = !stop || !(stop.waiting || at - instant(stop.recorded_at) < UNDO_MS);
    undoing &&= stop !== null;
    const asking = undoing || tapped !== null;
    view.slot.hidden = !asking;
    if (!asking) view.form.remove();
    else if (!view.form.isConnected) view.slot.append(view.form);
    if (undoing) setText(view.go, t("stop.undo"));
    else if (tapped) setText(view.go, t("stop.book", { reason: titleOf(tapped, told?.reasons) }));
  }

  async function begin() {
    await Promise.all([learn("said", "stop"), ...STYLES.map(styled)]);
    build();
    outbox.addEventListener("change", draw);
    outbox.addEventListener("sent", (event) => {
      if (event.detail.entry.unit !== unitId || event.detail.entry.kind !== "stops") return;
      // Until the next reading, what was answered is what holds.
      if (told) told.stop = event.detail.answer.withdrawn ? null : event.detail.answer;
      readAt = -Infinity;
      reread();
      draw();
    });
    if (standing) take(standing);
  }

  function take(unit) {
    standing = unit;
    if (!view) return;
    const about = `${unit.state} ${unit.since} ${unit.code ?? ""}`;
    if (about !== readFor) {
      readFor = about;
      readAt = -Infinity;
    }
    if (open() || unit.state === "PLANNED_STOP") reread();
    draw();
  }

  begin();
  return { take };
}
