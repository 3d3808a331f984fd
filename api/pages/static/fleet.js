// The fleet page: trouble first, one look tells.
//
//   /api/v1/units (who there is) --+
//                                  +--> units --> counts, filter, rows in order of trouble
//   /api/v1/live  (how they stand)-+

import { everything, insist } from "./api.js";
import { arrange, h, setAttribute, setText } from "./dom.js";
import { fleetRow } from "./fleet_row.js";
import { number, percent } from "./format.js";
import { join, t, translate, word } from "./language.js";
import { masthead } from "./masthead.js";
import { byTrouble, fromFrame, fromList } from "./standing.js";
import { isTrouble, stateIcon, stateOf, stateWord, STATE_NAMES } from "./states.js";
import { LiveStream } from "./stream.js";

const MOST_DAYS = 24;
const REREAD_MS = 3_000;

translate();
document.title = `${t("fleet.title")} · ${t("app.name")}`;
const showLink = masthead();
const units = new Map(); // id -> { about, standing, row }
const headline = document.getElementById("headline");
const chips = document.getElementById("chips");
const filter = document.getElementById("filter");
const list = document.getElementById("list");

// The filter lives in the address, so that it can be sent to somebody and survives a reload.
const address = new URL(location.href);
const chosen = { state: address.searchParams.get("state"), text: address.searchParams.get("q") ?? "" };
filter.value = chosen.text;

function remember() {
  for (const [name, value] of [["state", chosen.state], ["q", chosen.text]]) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

function choose(change) {
  Object.assign(chosen, change);
  remember();
  draw();
}

const heading = (name, key, extra = "") => h("th", { scope: "col", role: "columnheader", class: `label ${name} ${extra}` }, t(key));
const body = h("tbody", { role: "rowgroup" });
const table = h(
  "table",
  { class: "units", role: "table", "aria-label": t("fleet.title") },
  h(
    "thead",
    { role: "rowgroup" },
    h(
      "tr",
      { role: "row" },
      heading("state", "column.state"),
      heading("unit", "column.unit"),
      heading("day", "column.day"),
      heading("rate", "column.rate"),
      heading("tonnes", "column.tonnes", "num"),
      heading("last-tonne", "column.last-tonne", "num"),
      heading("seen", "column.seen", "num"),
      heading("alerts", "column.alerts", "num"),
    ),
  ),
  body,
);
const nothing = h("div", { class: "notice" }, h("p", {}), h("button", { type: "button", class: "button", onclick: clear }, t("fleet.clear")));
list.append(table, nothing);

function clear() {
  filter.value = "";
  choose({ state: null, text: "" });
}

function figure(key) {
  const value = h("span", {});
  const more = h("small", {});
  document.getElementById("figures").append(h("div", { class: "figure" }, h("span", { class: "label" }, t(key)), h("span", { class: "value" }, value, " ", more)));
  return { value, more };
}
const rate = figure("fleet.rate");
const tonnes = figure("fleet.tonnes");
const alerts = figure("fleet.alerts");

const chipNodes = new Map();
function chip(state) {
  if (!chipNodes.has(state)) {
    const count = h("b", {});
    const node = h(
      "button",
      { type: "button", class: "chip", "data-state": state, onclick: () => choose({ state: chosen.state === state ? null : state }) },
      state ? stateIcon(state) : null,
      h("span", {}, state ? stateWord(state) : t("fleet.all")),
      count,
    );
    chipNodes.set(state, { node, count });
  }
  return chipNodes.get(state);
}

function haystack(about) {
  // Both what the service calls it and what the page shows, so that either can be typed.
  const names = [about.id, about.site, about.province, about.mineral, about.model, word("place", about.site), word("place", about.province), word("mineral", about.mineral)];
  return names.join(" ").toLowerCase();
}

function drawCounts(all) {
  const counts = new Map();
  for (const unit of all) counts.set(unit.standing.state, (counts.get(unit.standing.state) ?? 0) + 1);
  if (chosen.state && !counts.has(chosen.state)) counts.set(chosen.state, 0);
  const order = [null, ...[...counts.keys()].sort((a, b) => stateOf(a).rank - stateOf(b).rank)];
  for (const state of order) {
    const { node, count } = chip(state);
    setText(count, number(state ? counts.get(state) : all.length));
    setAttribute(node, "aria-pressed", String(chosen.state === state));
  }
  arrange(chips, order.map((state) => chip(state).node));

  const troubled = all.filter((unit) => isTrouble(unit.standing.state, unit.standing.reason));
  const key = all.length === 0 ? "empty" : troubled.length === 0 ? "none" : troubled.length === 1 ? "one" : "many";
  setText(headline.firstElementChild, t(`fleet.headline.${key}`, { n: number(troubled.length), all: number(all.length) }));
  setAttribute(headline, "data-trouble", String(troubled.length > 0));
  setAttribute(headline, "data-critical", String(troubled.some((unit) => stateOf(unit.standing.state, unit.standing.reason).tone === "critical")));
}

function drawFigures(all) {
  const sum = (name, of = all) => of.reduce((total, unit) => total + (unit.standing[name] ?? 0), 0);
  const target = sum("target_tph");
  setText(rate.value, number(sum("throughput_tph"), 1));
  setText(rate.more, join(t("fleet.of-target", { target: number(target, 1) }), target > 0 && percent(sum("throughput_tph") / target)));
  setText(tonnes.value, number(sum("tonnes_today"), 1));
  setText(tonnes.more, word("ucum", "t"));
  setText(alerts.value, number(sum("alerts")));
}

function draw() {
  const all = [...units.values()].filter((unit) => unit.standing);
  if (!all.length && !known) return;
  drawCounts(all);
  drawFigures(all);
  const wanted = chosen.text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all
    .filter((unit) => (!chosen.state || unit.standing.state === chosen.state) && wanted.every((part) => unit.haystack.includes(part)))
    .sort((a, b) => byTrouble({ id: a.about.id, ...a.standing }, { id: b.about.id, ...b.standing }));
  const now = stream.now();
  shown.forEach((unit, place) => unit.row.show(unit.standing, Number.isFinite(now) ? now : Date.now(), place < MOST_DAYS && Number.isFinite(now)));
  arrange(body, shown.map((unit) => unit.row.node));
  table.hidden = shown.length === 0;
  nothing.hidden = shown.length > 0;
  setText(nothing.firstElementChild, t(all.length ? "fleet.nothing" : "fleet.empty.hint"));
  nothing.lastElementChild.hidden = all.length === 0;
}

let known = false;
let reading = false;
let readAt = -Infinity;

/** Who there is: read at the start, and again when a frame names somebody we do not know. */
async function readUnits() {
  if (reading || performance.now() - readAt < REREAD_MS) return;
  reading = true;
  try {
    for (const about of await insist(() => everything("/api/v1/units"))) {
      const unit = units.get(about.id) ?? { row: fleetRow(about) };
      unit.about = about;
      unit.haystack = haystack(about);
      // A frame is newer than the list; the list only fills what no frame has said yet.
      unit.standing ??= fromList(about);
      units.set(about.id, unit);
    }
    known = true;
  } finally {
    reading = false;
    readAt = performance.now();
  }
  draw();
}

function takeFrame(frame) {
  let strangers = false;
  for (const [id, told] of Object.entries(frame.units ?? {})) {
    const unit = units.get(id);
    if (unit) unit.standing = fromFrame(told);
    else strangers = true;
  }
  if (strangers) readUnits();
  draw();
}

const stream = new LiveStream({
  url: "/api/v1/live",
  onFrame: takeFrame,
  onLink: (link, silent) => showLink(link, silent, stream.now()),
});

filter.addEventListener("input", () => choose({ text: filter.value }));
if (chosen.state && !STATE_NAMES.includes(chosen.state)) chosen.state = null;
stream.start();
readUnits();
