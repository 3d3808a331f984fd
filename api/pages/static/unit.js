// The page of one unit.
//
//   /units/ID, /latest --> what there is, newest values --+
//   /live?unit=ID ------> frames, one a second -----------+--> head, gauges, machines, trends, strip, alerts
//   /units/ID/states, /history, /alerts ------------------+

import { answeredAt, ApiError, ask, everything, insist } from "./api.js";
import { alertPanel } from "./alerts.js";
import { readDay } from "./day.js";
import { demoControls } from "./demo.js";
import { dial } from "./dial.js";
import { h, setText } from "./dom.js";
import { instant } from "./format.js";
import { t, translate, word } from "./language.js";
import { fullName, machineCards, nameMachines, works } from "./machines.js";
import { masthead } from "./masthead.js";
import { reading } from "./reading.js";
import { fromFrame, fromList } from "./standing.js";
import { stateStrip } from "./strip.js";
import { LiveStream } from "./stream.js";
import { trends } from "./trends.js";
import { unitHead } from "./unit_head.js";

const STATES_REREAD_MS = 60_000;
const MOST_DIALS = 6;

const unitId = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const api = `/api/v1/units/${encodeURIComponent(unitId)}`;
const part = (id) => document.getElementById(id);

translate();
document.title = `${unitId} · ${t("app.name")}`;
const showLink = masthead({ trail: [h("nav", {}, h("a", { class: "back", href: "/" }, t("fleet.back"))), h("span", { class: "crumb ltr" }, unitId)] });

let view = null; // built once the unit is known
let standing = null;
const signals = {}; // machine.signal -> [value, time_ms, quality]
let frame = null;

const stream = new LiveStream({
  url: `/api/v1/live?unit=${encodeURIComponent(unitId)}`,
  onFrame(told) {
    const unit = told.units?.[unitId];
    if (!unit) return;
    frame = told;
    standing = fromFrame(unit);
    Object.assign(signals, unit.signals);
    draw();
    view?.trends.take(unit.signals ?? {});
    view?.alerts.take(told.alerts);
    view?.strip.take();
    view?.stop?.take(standing);
  },
  onLink(link, silent) {
    showLink(link, silent, stream.now());
    // While frames fail to come nothing else would redraw, and ages must go on growing.
    if (link === "stale" || link === "lost") draw();
  },
});

/** The server's time: by the frames, or while there is none by its answers. The browser's clock may be anything. */
const now = () => [stream.now(), answeredAt()].find(Number.isFinite) ?? Date.now();

function draw() {
  if (!view || !standing) return;
  const at = now();
  const trusted = stream.link === "lost" ? "lost" : standing.connection;
  view.head.show(standing, at, trusted === "lost" && standing.connection === "live");
  for (const { ref, machine, signal, gauge } of view.dials) {
    gauge.show(reading({ signal, told: signals[ref], now: at, trusted, working: works(machine, signal, signals, standing.state) }));
  }
  view.machines.show({ signals, now: at, trusted, state: standing.state });
}

/** The gauges that tell most: the parts of the unit's state, then the hottest bearing, power and engine. */
function chooseDials(unit) {
  const all = unit.machines.flatMap((machine) => machine.signals.map((signal) => ({ ref: `${machine.id}.${signal.name}`, machine, signal })));
  const named = (name) => all.find((one) => one.signal.name === name)?.ref;
  const roles = unit.roles ?? {};
  const wanted = [roles.flow, roles.main, roles.hopper, named("bearing_temperature"), named("trunnion_temperature"), all.find((one) => one.machine.class === "genset" && one.signal.name === "power")?.ref, named("coolant_temperature"), named("wash_water"), named("frequency")];
  const refs = [...new Set(wanted.filter(Boolean))].slice(0, MOST_DIALS);
  return refs.map((ref) => all.find((one) => one.ref === ref)).filter((one) => one?.signal.kind === "analog");
}

function stripPanel() {
  const drawn = stateStrip();
  part("day").append(drawn.node);
  let intervals = [];
  let readAt = -Infinity;
  let seen = null;
  async function read() {
    readAt = performance.now();
    intervals = await readDay(unitId, now());
    drawn.show(intervals, standing, now());
  }
  let drawnAt = -Infinity;
  return {
    take() {
      const key = `${standing.state} ${standing.since}`;
      if (key !== seen || performance.now() - readAt > STATES_REREAD_MS) {
        seen = key;
        read().catch(() => {
          readAt = performance.now() - STATES_REREAD_MS + 10_000;
        });
      } else if (performance.now() - drawnAt > 10_000) {
        // A strip of a day moves a pixel a minute: no need to draw it every second.
        drawnAt = performance.now();
        drawn.show(intervals, standing, now());
      }
    },
  };
}

function build(unit) {
  nameMachines(unit.machines);
  const head = unitHead(unit);
  part("head").replaceChildren(head.node);
  const history = trends({ unit, now });
  const openTrend = (ref) => history.show(ref, { reveal: true });
  const dials = chooseDials(unit).map((one) => {
    const name = one.ref === unit.roles?.flow ? t("unit.rate") : fullName(one.machine, one.signal);
    const target = one.ref === unit.roles?.flow ? unit.target_tph : null;
    return { ...one, gauge: dial({ name, signal: one.signal, target, open: () => openTrend(one.ref) }) };
  });
  part("dials").replaceChildren(...dials.map((one) => one.gauge.node));
  const machines = machineCards({ unit, openTrend });
  part("machines").replaceChildren(...machines.nodes);
  part("trends").append(history.node);
  part("trend-range").append(history.chooser);
  const alerts = alertPanel({ unitId, now });
  part("alerts").append(alerts.node);
  view = { head, dials, machines, trends: history, alerts, strip: stripPanel() };
  standing ??= fromList(unit);
  draw();
  for (const body of document.querySelectorAll("[data-after-load]")) body.hidden = false;
  for (const ref of [unit.roles?.flow, unit.roles?.main, unit.roles?.hopper].filter(Boolean)) history.show(ref);
  // A frame may have come before the view, or may not come at all: what can be asked for is shown anyway.
  if (frame) history.take(frame.units[unitId]?.signals ?? {});
  alerts.take(frame?.alerts ?? { changed: 0 });
  view.strip.take();
  document.title = `${unitId} · ${word("place", unit.site)} · ${t("app.name")}`;
  // Not among the modules that the first gauges wait for.
  import("./stop_reasons.js").then(({ stopReasons }) => {
    view.stop = stopReasons({ unitId, panel: part("stop"), now });
    if (standing) view.stop.take(standing);
  });
}

async function fillLatest() {
  for (const one of await insist(() => everything(`${api}/latest`))) {
    // A live value is newer than any stored one.
    signals[`${one.machine}.${one.signal}`] ??= [one.value, one.time === null ? null : instant(one.time), one.quality];
  }
  draw();
}

async function begin() {
  const note = part("note");
  try {
    const unit = await insist(
      () => ask(api),
      () => {
        note.hidden = false;
        setText(note.firstElementChild, t("load.trouble"));
      },
    );
    note.hidden = true;
    build(unit);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    note.hidden = false;
    setText(note.firstElementChild, t("unit.missing"));
    note.append(h("a", { class: "button", href: "/" }, t("unit.missing.back")));
    return;
  }
  demoControls({ unitId, panel: part("demo") });
  fillLatest().catch(() => {}); // history may be missing altogether; frames fill the gauges
}

stream.start();
begin();
