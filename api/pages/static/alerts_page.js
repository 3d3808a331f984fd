// The list of alerts: what waits for somebody, then what is taken; what is closed when asked for.
//
//   /api/v1/live?changes=true (alerts.changed) --> /api/v1/alerts (the open ones) --> filter --> rows, bar, sound
//   /api/v1/alerts?state=NORM, a page at a time, on demand -------------------------> filter --> closed rows

import { perform, troubleOf } from "./alert_acts.js";
import { takeBar } from "./alert_bar.js";
import { alertFilter } from "./alert_filter.js";
import { askName } from "./alert_name.js";
import { alertRow } from "./alert_row.js";
import { alertSound } from "./alert_sound.js";
import { byUrgency, isOpen, isUntaken, kindWord, unitWord } from "./alert_words.js";
import { closedAlerts } from "./alerts_closed.js";
import { answeredAt, everything } from "./api.js";
import { arrange, h, setAttribute, setText } from "./dom.js";
import { number } from "./format.js";
import { t, translate, word } from "./language.js";
import { masthead } from "./masthead.js";
import { personName } from "./person.js";
import { LiveStream } from "./stream.js";

const OPEN = "/api/v1/alerts?state=UNACK,ACKED,RTNUN,SHLVD&limit=1000";
const REREAD_MS = 60_000; // tonnes lost go on growing
const RETRY_MS = 3_000;
const SHOWN = 100;

translate();
const part = (id) => document.getElementById(id);
const showLink = masthead();
const rows = new Map(); // id -> row
let open = null; // the open alerts, or null while they are not known
let shownMost = SHOWN;

const list = h("ul", { class: "rows" });
const nothing = h("p", { class: "notice", role: "status", hidden: true });
const more = h("button", { type: "button", class: "button more", hidden: true, onclick: () => { shownMost += SHOWN; draw(); } });
part("open").append(list, nothing, more);
const filter = alertFilter({ search: part("search"), toggle: part("filters"), choices: part("choices"), changed });
const closed = closedAlerts({ place: part("closed"), filter, now });
const bar = takeBar({ place: part("bar"), take });
const sound = alertSound();
const me = h("button", { type: "button", class: "button plain", onclick: async () => { await askName(); showName(); } });
part("mine").append(sound.node, me);

function figure(key) {
  const value = h("span", {});
  part("figures").append(h("div", { class: "figure" }, h("span", { class: "label" }, t(key)), h("span", { class: "value" }, value)));
  return value;
}
const counts = { open: figure("watch.open"), untaken: figure("watch.untaken"), lost: figure("watch.lost") };

const stream = new LiveStream({
  url: "/api/v1/live?changes=true",
  heedful: () => sound.on,
  onFrame: ({ alerts }) => look(alerts.changed),
  onLink: (link, silent) => {
    showLink(link, silent, now());
    if (link === "stale" || link === "lost") draw();
  },
});

/** The server's time. The first frame may be as old as the last viewer before us: the later of the two is right. */
function now() {
  const known = [stream.now(), answeredAt()].filter(Number.isFinite);
  return known.length ? Math.max(...known) : NaN;
}

function showName() {
  const name = personName();
  setText(me, name ? t("watch.me", { who: name }) : t("watch.me.none"));
  setAttribute(me, "data-known", name ? "" : null);
  setAttribute(me, "aria-label", `${me.textContent}. ${t("watch.me.change")}`);
}

let seen = null;
let readAt = -Infinity;
let reading = false;

/** Read again when the service says that something changed, and now and then. */
function look(changed) {
  const due = performance.now() - readAt;
  if (!reading && ((changed !== seen && due > 1_000) || due > REREAD_MS)) read(changed);
  draw();
}

async function read(changed) {
  reading = true;
  try {
    open = await everything(OPEN);
    seen = changed;
    readAt = performance.now();
  } catch {
    readAt = performance.now() - REREAD_MS + RETRY_MS;
  } finally {
    reading = false;
  }
  draw();
}

function changed(names) {
  shownMost = SHOWN;
  if (names.some((name) => name === "unit" || name === "kind")) closed.again();
  if (filter.chosen.state === "NORM" && !closed.begun) closed.more();
  draw();
  closed.draw();
}

async function take(alert) {
  const by = personName() || (await askName());
  showName();
  if (!by) return;
  const row = rows.get(alert.id);
  const focused = row && row.button === document.activeElement;
  if (row) row.button.disabled = true;
  part("fault").hidden = true;
  try {
    const told = await perform(alert.id, "acknowledge", by);
    open = open.map((one) => (one.id === told.id ? told : one)).filter(isOpen);
    setText(part("said"), t("watch.taken", { kind: kindWord(alert), unit: unitWord(alert.unit) }));
  } catch (error) {
    setText(part("fault"), `${unitWord(alert.unit)}, ${kindWord(alert)}: ${troubleOf(error)}`);
    part("fault").hidden = false;
    readAt = -Infinity;
  } finally {
    if (row) row.button.disabled = false;
  }
  draw();
  if (focused) (row.button.hidden ? row.link : row.button).focus();
}

function drawSummary(untaken) {
  const key = open.length === 0 ? "none" : untaken.length === 0 ? "taken" : untaken.length === 1 ? "one" : "many";
  setText(part("headline").firstElementChild, t(`watch.headline.${key}`, { n: number(untaken.length) }));
  setAttribute(part("headline"), "data-trouble", String(untaken.length > 0));
  setAttribute(part("headline"), "data-critical", String(untaken.some((alert) => alert.priority === "high")));
  setText(counts.open, number(open.length));
  setText(counts.untaken, number(untaken.length));
  setText(counts.lost, `${number(open.reduce((sum, alert) => sum + (alert.tonnes_lost ?? 0), 0), 1)} ${word("ucum", "t")}`);
  document.title = `${open.length ? `(${number(open.length)}) ` : ""}${t("watch.title")} · ${t("app.name")}`;
}

function draw() {
  if (open === null) return;
  const at = now();
  const untaken = open.filter(isUntaken);
  drawSummary(untaken);
  filter.offer(open.map((alert) => alert.unit));
  const wanted = open.filter(filter.admits).sort(byUrgency);
  const shown = wanted.slice(0, shownMost);
  for (const alert of shown) {
    if (!rows.has(alert.id)) rows.set(alert.id, alertRow({ take }));
    rows.get(alert.id).show(alert, at);
  }
  arrange(list, shown.map((alert) => rows.get(alert.id).node));
  for (const id of rows.keys()) if (!shown.some((alert) => alert.id === id)) rows.delete(id);
  nothing.hidden = shown.length > 0;
  setText(nothing, t(open.length ? "watch.nothing" : "watch.empty"));
  more.hidden = wanted.length <= shown.length;
  setText(more, t("watch.more", { n: number(wanted.length - shown.length) }));
  part("open").hidden = filter.chosen.state === "NORM";
  part("closed").hidden = !["", "NORM"].includes(filter.chosen.state);
  bar.show(wanted.find(isUntaken) ?? null, at);
  sound.take(open);
}

document.title = `${t("watch.title")} · ${t("app.name")}`;
showName();
stream.start(); // the first frame has the alerts read
if (filter.chosen.state === "NORM") closed.more();
