// The page of what people tell about one unit.
//
//   /units/ID/inputs --> what is in force, reasons, elements, the service's clock --> heads of the kinds, defaults
//   forms --> outbox --> /units/ID/KIND --> lists

import { answeredAt, ApiError, ask } from "./api.js";
import { h, setAttribute, setText } from "./dom.js";
import { instant } from "./format.js";
import { textField } from "./inputs_fields.js";
import { entryForm } from "./inputs_form.js";
import { inForce, KINDS } from "./inputs_kinds.js";
import { entryList } from "./inputs_list.js";
import { planTable } from "./inputs_plans.js";
import { t, translate } from "./language.js";
import { masthead } from "./masthead.js";
import { outbox } from "./outbox.js";
import { outboxPanel } from "./outbox_panel.js";
import { keepPersonName, personName } from "./person.js";
import { kindWord } from "./said.js";

const REREAD_MS = 15_000;
const LISTS_MS = 60_000;
const LOST_MS = 45_000;

const unitId = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-2) ?? "");
const address = `/units/${encodeURIComponent(unitId)}`;
const part = (id) => document.getElementById(id);

translate();
document.title = `${t("inputs.title", { id: unitId })} · ${t("app.name")}`;
const showLink = masthead({
  trail: [h("span", { class: "crumb" }, h("a", { class: "ltr", href: address }, unitId), t("separator"), t("inputs.crumb"))],
});
setText(part("title"), t("inputs.title", { id: unitId }));

let answered = null;
let offset = null; // the service's clock against our monotonic one
let heard = performance.now();
let failing = false;

const told = () => answered;
/** The service's time. The browser's clock may be anything. */
const now = () => [offset === null ? NaN : performance.now() + offset, answeredAt()].find(Number.isFinite) ?? Date.now();

const who = textField({ name: "by", label: t("inputs.who"), most: 80, required: true, autocomplete: "name", hint: t("inputs.who.why") });
who.set(personName());
who.control.addEventListener("input", () => keepPersonName(who.control.value));
part("who").append(who.node);

const tabs = new Map();

function choose(kind, { focus = false } = {}) {
  for (const [name, tab] of tabs) {
    const chosen = name === kind;
    setAttribute(tab.button, "aria-selected", String(chosen));
    setAttribute(tab.button, "tabindex", chosen ? "0" : "-1");
    tab.panel.hidden = !chosen;
  }
  const tab = tabs.get(kind);
  if (focus) tab.button.focus();
  tab.form.refresh();
  tab.list.read();
  history.replaceState(null, "", `${location.pathname}${location.search}#${kind}`);
}

const chosen = () => [...tabs].find(([, tab]) => !tab.panel.hidden)?.[0];

function walk(event) {
  const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
  const place = KINDS.indexOf(chosen());
  const to = { [forward]: place + 1, ArrowDown: place + 1, [back]: place - 1, ArrowUp: place - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(KINDS.at(to % KINDS.length), { focus: true });
}

function build() {
  for (const kind of KINDS) {
    const text = h("b", {});
    const more = h("span", { class: "small quiet" });
    const button = h("button", { type: "button", role: "tab", id: `tab-${kind}`, class: "kind", "aria-controls": `panel-${kind}`, onclick: () => choose(kind), onkeydown: walk }, h("span", { class: "label" }, kindWord(kind)), text, more);
    const context = { kind, unitId, now, told, who, kept: () => reread(), entryOf: (name, id) => tabs.get(name).list.find(id) };
    const form = kind === "plans" ? planTable(context) : entryForm(context);
    const list = entryList({ ...context, correct: (entry) => form.correct(entry), can: (entry) => form.can?.(entry) ?? true });
    const panel = h("div", { role: "tabpanel", id: `panel-${kind}`, class: "kind-panel", "aria-labelledby": button.id, hidden: true }, h("div", { class: "panel form-panel" }, form.node), h("div", { class: "panel list-panel" }, list.node));
    tabs.set(kind, { button, text, more, form, list, panel });
  }
  part("kinds").append(...[...tabs.values()].map((tab) => tab.button));
  part("panels").append(...[...tabs.values()].map((tab) => tab.panel));
  const asked = location.hash.slice(1);
  choose(KINDS.includes(asked) ? asked : "stops");
  addEventListener("hashchange", () => KINDS.includes(location.hash.slice(1)) && choose(location.hash.slice(1)));
}

function show() {
  if (answered === null) return;
  if (!tabs.size) build();
  for (const [kind, tab] of tabs) {
    const held = inForce(kind, answered, now());
    setText(tab.text, held.text);
    setText(tab.more, held.more);
    tab.form.refresh();
  }
  waiting.draw();
}

function fail(error) {
  if (!(error instanceof ApiError)) throw error;
  failing = true;
  const note = part("note");
  if (answered !== null) return;
  note.hidden = false;
  setText(note.firstElementChild, t(error.status === 404 ? "inputs.missing" : "load.trouble"));
  if (error.status === 404 && !note.querySelector("a")) note.append(h("a", { class: "button", href: "/" }, t("inputs.missing.back")));
}

let reading = null;
async function read() {
  const begun = performance.now();
  try {
    const fresh = await ask(`/api/v1${address}/inputs`);
    heard = performance.now();
    offset = instant(fresh.now) - (begun + heard) / 2;
    failing = false;
    answered = fresh;
    part("note").hidden = true;
    show();
  } catch (error) {
    fail(error);
  }
}

/** What is in force, and the list that is looked at. */
async function reread() {
  clearTimeout(reading);
  await read();
  tabs.get(chosen())?.list.read();
  listsAt = performance.now();
  reading = setTimeout(again, REREAD_MS);
}

let listsAt = performance.now();
async function again() {
  if (!document.hidden) {
    await read();
    if (performance.now() - listsAt > LISTS_MS) {
      listsAt = performance.now();
      tabs.get(chosen())?.list.read();
    }
  }
  // Until the first answer, and while it fails, sooner: a restarting service heals by itself.
  reading = setTimeout(again, failing ? REREAD_MS / 5 : REREAD_MS);
}

function tick() {
  const silent = performance.now() - heard;
  const link = answered === null && !failing ? "opening" : !failing && silent < 2 * REREAD_MS ? "live" : silent < LOST_MS ? "stale" : "lost";
  showLink(link, silent, now());
  tabs.get(chosen())?.form.refresh();
}

const waiting = outboxPanel({
  unitId,
  now,
  reasons: () => answered?.reasons ?? [],
  correct: (entry) => {
    if (!tabs.has(entry.kind)) return;
    choose(entry.kind);
    tabs.get(entry.kind).form.resume(entry);
  },
  hrefOf: (entry) => `/units/${encodeURIComponent(entry.unit)}/inputs#${entry.kind}`,
});
part("outbox").append(waiting.node);
outbox.addEventListener("sent", (event) => event.detail.entry.unit === unitId && reread());
document.addEventListener("visibilitychange", () => !document.hidden && reread());
addEventListener("online", () => reread());
setInterval(tick, 1_000);
tick();
again();
