// One unit on the wall: its head, its circuit, its day, its alerts; as much of the circuit as there is room for.

import { ask } from "./api.js";
import { readDay } from "./day.js";
import { h, setAttribute } from "./dom.js";
import { instant, span } from "./format.js";
import { join, word } from "./language.js";
import { nameMachines } from "./machines.js";
import { mimic } from "./mimic.js";
import { fromFrame, fromList } from "./standing.js";
import { icon, reasonWord } from "./states.js";
import { stateStrip } from "./strip.js";
import { unitHead } from "./unit_head.js";

const REREAD_MS = 60_000;
const RETRY_MS = 10_000;
const DRAW_MS = 10_000;
const MOST_ALERTS = 3;
const DENSITIES = ["large", "full", "first", "lamps", "none"];
const WARNING = "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1";
const part = (id) => document.getElementById(id);

/** Build the unit into the page. `link()` says how the page's own link is; `leave()` when the next one comes. */
export function wallUnit({ unit, now, link }) {
  nameMachines(unit.machines);
  const open = () => location.assign(`/units/${encodeURIComponent(unit.id)}`);
  const head = unitHead(unit);
  const circuit = mimic({ unit, openTrend: open, openMachine: open });
  const strip = stateStrip();
  const main = part("content");
  const signals = {};
  let standing = fromList(unit);
  let intervals = [];
  let dayAt = -Infinity;
  let drawnAt = -Infinity;
  let alertsAt = null;
  let gone = false;

  part("head").replaceChildren(head.node);
  part("mimic").replaceChildren(circuit.node);
  part("day").replaceChildren(strip.node);
  for (const id of ["mimic", "day"]) part(id).hidden = false;

  /** As much of every machine as the screen has room for. */
  function fit() {
    // A hand's screen scrolls, and has room for everything.
    if (getComputedStyle(main).overflow === "visible") return setAttribute(main, "data-density", "full");
    const box = part("mimic");
    for (const density of DENSITIES) {
      setAttribute(main, "data-density", density);
      circuit.draw();
      if (main.scrollHeight <= main.clientHeight + 1 && (density === "none" || box.scrollHeight <= box.clientHeight + 1)) return undefined;
    }
    return undefined;
  }

  function draw() {
    const at = now();
    const trusted = link() === "lost" ? "lost" : standing.connection;
    head.show(standing, at, trusted === "lost" && standing.connection === "live");
    circuit.show({ signals, now: at, trusted, state: standing.state, standing });
    if (performance.now() - drawnAt > DRAW_MS) {
      drawnAt = performance.now();
      strip.show(intervals, standing, at);
    }
    if (performance.now() - dayAt > REREAD_MS) readStates();
  }

  async function readStates() {
    dayAt = performance.now();
    try {
      intervals = await readDay(unit.id, now());
    } catch {
      dayAt = performance.now() - REREAD_MS + RETRY_MS;
      return;
    }
    drawnAt = -Infinity;
    if (!gone) draw();
  }

  async function readAlerts(changed) {
    if (changed === alertsAt) return;
    const before = alertsAt;
    alertsAt = changed;
    try {
      const { items } = await ask(`/api/v1/alerts?unit=${encodeURIComponent(unit.id)}`);
      if (!gone) showAlerts(items.filter((one) => one.state !== "NORM" && one.state !== "SHLVD"));
    } catch {
      alertsAt = before; // the next frame tries again
    }
  }

  function showAlerts(standingAlerts) {
    const lines = standingAlerts.slice(0, MOST_ALERTS).map((one) => {
      const why = join(reasonWord(one.reason), span(now() - instant(one.onset_at)));
      return h("li", { "data-priority": one.priority }, icon(WARNING), h("b", {}, word("kind", one.kind)), h("span", {}, why));
    });
    part("alerts").hidden = !lines.length;
    part("alerts").querySelector("ul").replaceChildren(...lines);
    fit();
  }

  showAlerts([]);
  draw();
  fit();
  const resized = new ResizeObserver(fit);
  resized.observe(document.documentElement);

  return {
    draw,
    take(told, alerts) {
      const first = standing.provisional === null || !Object.keys(signals).length;
      standing = fromFrame(told);
      Object.assign(signals, told.signals);
      draw();
      if (first) fit();
      readAlerts(alerts?.changed);
    },
    leave() {
      gone = true;
      resized.disconnect();
    },
  };
}
