// The wall: units one after the other, trouble first, each for a while. Nobody touches it; it heals by itself.
//
//   /api/v1/units ------> which units, in which order (again each round) --+
//   /api/v1/units/ID ---> what there is ------------------------------------+--> one unit at a time
//   /api/v1/live?unit= -> frames -------------------------------------------+
//
// In the address: units=a,b  mineral=  province=  every=20 (seconds).

import { answeredAt, ApiError, ask, everything } from "./api.js";
import { h, setAttribute, setText, svg } from "./dom.js";
import { number } from "./format.js";
import { t, translate } from "./language.js";
import { masthead } from "./masthead.js";
import { byTrouble, fromList } from "./standing.js";
import { LiveStream } from "./stream.js";
import { wallUnit } from "./wall_unit.js";

const EVERY_S = { least: 5, usual: 20, most: 600 };
const RETRY_MS = 3_000;
const LOST_MOST_MS = 60_000;
const ICONS = { previous: "M11 3L5 8l6 5M3 3v10", next: "M5 3l6 5-6 5M13 3v10", pause: "M5.5 3v10M10.5 3v10", go: "M4 2.5l9 5.5-9 5.5z", full: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3" };

const query = new URLSearchParams(location.search);
const asked = Number(query.get("every")) || EVERY_S.usual;
const every = 1000 * Math.min(EVERY_S.most, Math.max(EVERY_S.least, asked));
const only = (query.get("units") ?? "").split(",").map((id) => id.trim()).filter(Boolean);

let round = []; // ids, in the order they are shown
let at = -1;
let shown = null; // { id, view }
let shownAt = -Infinity;
let paused = false;
let busy = false;
let tryAt = 0;
let silence = 0; // how long nothing has been heard, in ms

translate();
document.title = `${t("wall.title")} · ${t("app.name")}`;
const progress = h("progress", { max: every, value: 0, "aria-label": t("wall.progress") });
const place = h("span", { class: "place" });
function button(name, act) {
  const path = svg("path", { d: ICONS[name] });
  const node = h("button", { type: "button", class: "button plain", id: `wall-${name}`, "aria-label": t(`wall.${name}`), title: t(`wall.${name}`), onclick: act }, svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path));
  return { node, path };
}
const buttons = { previous: button("previous", () => turn(-1)), pause: button("pause", pause), next: button("next", () => turn(1)), full: button("full", fullScreen) };
const turns = h("div", { class: "turns", role: "group", "aria-label": t("wall.title") }, ...Object.values(buttons).map((one) => one.node), progress, place);
const showLink = masthead({ trail: [turns] });

const stream = new LiveStream({
  url: null,
  onFrame(told) {
    const unit = told.units?.[shown?.id];
    if (unit) shown.view.take(unit, told.alerts);
  },
  onLink(link, silent) {
    silence = silent;
    showLink(link, silent, stream.now());
    if (link === "stale" || link === "lost") shown?.view.draw();
    tick();
  },
});
const now = () => [stream.now(), answeredAt()].find(Number.isFinite) ?? Date.now();
const note = document.getElementById("note");

function say(text) {
  note.hidden = !text;
  setText(note.firstElementChild, text);
}

async function readRound() {
  const filter = new URLSearchParams([...query].filter(([name, value]) => value && (name === "mineral" || name === "province")));
  const units = await everything(`/api/v1/units?${filter}`);
  const wanted = units.filter((unit) => !only.length || only.includes(unit.id));
  round = wanted.map((unit) => ({ id: unit.id, ...fromList(unit) })).sort(byTrouble).map((unit) => unit.id);
  say(round.length ? "" : t("wall.nothing"));
}

/** Show the unit `step` further; at the end of a round ask anew who is in trouble. */
async function turn(step) {
  if (busy) return;
  busy = true;
  try {
    if (!round.length || at + step >= round.length) {
      await readRound();
      at = -step;
    }
    if (!round.length) return;
    at = (((at + step) % round.length) + round.length) % round.length;
    const id = round[at];
    if (shown?.id !== id) {
      const unit = await ask(`/api/v1/units/${encodeURIComponent(id)}`);
      shown?.view.leave();
      shown = { id, view: wallUnit({ unit, now, link: () => stream.link }) };
      stream.look(`/api/v1/live?unit=${encodeURIComponent(id)}`);
    }
    shownAt = performance.now();
    say("");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!shown) say(t("load.trouble"));
    if (error.status === 404) round = [];
  } finally {
    busy = false;
    tryAt = performance.now() + RETRY_MS;
    tick();
  }
}

function tick() {
  const alone = round.length < 2;
  const spent = performance.now() - shownAt;
  turns.hidden = alone && shown !== null;
  progress.value = paused || alone ? 0 : Math.min(every, spent);
  setText(place, shown ? t("wall.place", { n: number(at + 1), all: number(round.length) }) : "");
  if (busy || performance.now() < tryAt) return;
  // Behind a lost link there is nothing else to show: the last picture stays, marked as such.
  if (!shown || (!paused && spent >= every && stream.link === "live")) turn(1);
  else if (!paused && stream.link === "lost" && silence >= LOST_MOST_MS) leaveTheGone();
}

/** A unit that is no longer there is silent for ever, over the best of links: go on where the service answers. */
async function leaveTheGone() {
  busy = true;
  try {
    await readRound();
    at = -1;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return; // the link itself is down
  } finally {
    busy = false;
    tryAt = performance.now() + LOST_MOST_MS / 4;
  }
  if (round.length) turn(1);
}

function pause() {
  paused = !paused;
  shownAt = performance.now();
  setAttribute(buttons.pause.path, "d", paused ? ICONS.go : ICONS.pause);
  for (const name of ["aria-label", "title"]) setAttribute(buttons.pause.node, name, t(paused ? "wall.go" : "wall.pause"));
  setAttribute(document.body, "data-paused", paused ? "" : null);
  tick();
}

function fullScreen() {
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  done?.catch(() => {}); // some screens forbid it
}

/** A wall's screen must not go to sleep; where there is no wake lock, its own settings must see to it. */
async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // not allowed now (a low battery, say); asked for again when the page is looked at again
  }
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("dialog, input")) return;
  const onButton = event.target.closest?.("button, a");
  const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
  const acts = { KeyF: fullScreen, [forward]: () => turn(1), [back]: () => turn(-1), ...(onButton ? {} : { " ": pause }) };
  const act = acts[event.key] ?? acts[event.code]; // by its place for the letter: on a Persian keyboard F writes another one
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("visibilitychange", () => document.hidden || stayAwake());

// A wall is never opened anew by hand: with a new deployment it opens itself anew.
if (navigator.serviceWorker?.controller) navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());

stayAwake();
stream.start();
tick();
