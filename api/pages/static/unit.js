// The page of one unit: head and mimic first, the rest as it is needed.
//
//   /units/ID ----------> what there is ------------------+
//   /live?unit=ID ------> frames, one a second -----------+--> head, mimic --> strip, alerts --> trends, once in sight
//   /units/ID/states, /history, /alerts ------------------------------------+

import { answeredAt, ApiError, ask, everything, insist } from "./api.js";
import { h, setText } from "./dom.js";
import { instant } from "./format.js";
import { learn, t, translate, word } from "./language.js";
import { nameMachines } from "./machines.js";
import { masthead } from "./masthead.js";
import { mimic } from "./mimic.js";
import { fromFrame, fromList } from "./standing.js";
import { LiveStream } from "./stream.js";
import { unitHead } from "./unit_head.js";

const STATES_REREAD_MS = 60_000;
const STRIP_DRAW_MS = 10_000;
/** An onset that moves by less is the same one. */
const SAME_ONSET_MS = 5_000;
const LINK_SHOWN_MS = 900;
/** A frame comes at once; only without one the newest values are asked for. */
const FRAME_AWAITED_MS = 2_500;

/** States of a plant that stands: people may know why. */
const STANDS = new Set(["STARVED", "IDLE", "BLOCKED", "STOPPED_UNCODED", "BREAKDOWN", "PLANNED_STOP"]);

const unitId = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const api = `/api/v1/units/${encodeURIComponent(unitId)}`;
const part = (id) => document.getElementById(id);

translate();
document.title = `${unitId} · ${t("app.name")}`;
const showLink = masthead({ trail: [h("span", { class: "crumb ltr" }, unitId)] });

/** Fetch a part that comes later: over a link that fails just then, until it is there. */
const later = (load) =>
  insist(async () => {
    try {
      return await load();
    } catch (error) {
      throw /dynamically imported|[Ii]mporting a module/.test(error?.message) ? new ApiError(0, error.message) : error;
    }
  });

/** Fetch the styles of such a part; without them it still works. */
const dress = (name) => new Promise((done) => document.head.append(h("link", { rel: "stylesheet", href: `/static/${name}.css`, onload: done, onerror: done })));

let view = null; // built once the unit is known
let standing = null;
const signals = {}; // machine.signal -> [value, time_ms, quality]
let frame = null;
let linkShown = null;
let linkShownAt = -Infinity;

const stream = new LiveStream({
  url: `/api/v1/live?unit=${encodeURIComponent(unitId)}`,
  onFrame(told) {
    const unit = told.units?.[unitId];
    if (!unit) return;
    frame = told;
    standing = fromFrame(unit);
    Object.assign(signals, unit.signals);
    draw();
    explain();
    view?.trends?.take(unit.signals ?? {});
    view?.alerts?.take(told.alerts);
    view?.strip?.take();
  },
  onLink(link, silent) {
    // Told several times a second: with the frame is enough, so that a second is painted once.
    if (link === linkShown && performance.now() - linkShownAt < LINK_SHOWN_MS) return;
    linkShown = link;
    linkShownAt = performance.now();
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
  const told = { signals, now: at, trusted, state: standing.state, standing };
  view.mimic.show(told);
  view.machines?.show(told);
}

async function stripPanel() {
  const [{ stateStrip }, { readDay }] = await later(() => Promise.all([import("./strip.js"), import("./day.js")]));
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
      const same = seen && seen.state === standing.state && seen.code === standing.code && Math.abs(seen.since - standing.since) < SAME_ONSET_MS;
      if (!same || performance.now() - readAt > STATES_REREAD_MS) {
        seen = standing;
        read().catch(() => {
          readAt = performance.now() - STATES_REREAD_MS + 10_000;
        });
      } else if (performance.now() - drawnAt > STRIP_DRAW_MS) {
        // A strip of a day moves a pixel a minute: no need to draw it every second.
        drawnAt = performance.now();
        drawn.show(intervals, standing, now());
      }
    },
  };
}

/** Cards with every signal of the machines that somebody chose; without `ids`: of all, or of none. */
let cards = null;
async function openMachines(...ids) {
  cards ??= later(() => Promise.all([import("./machine_cards.js"), dress("machine_cards")])).then(([{ machineCards }]) => {
    view.machines = machineCards({ unit: view.unit, place: part("machines"), every: part("every-signal"), openTrend, draw, back: view.mimic.focus });
    return view.machines;
  });
  (await cards).open(...ids);
}

/** The trends are below everything else: they are fetched when somebody comes near, or asks for one. */
let loading = null;
function loadTrends(unit) {
  if (loading) return loading;
  loading = later(() => Promise.all([import("./trends.js"), learn("trends"), dress("trends")])).then(([{ trends }]) => {
    const history = trends({ unit, now });
    part("trends").append(history.node);
    part("trend-range").append(history.chooser);
    for (const ref of [unit.roles?.flow, unit.roles?.main, unit.roles?.hopper].filter(Boolean)) history.show(ref);
    if (frame) history.take(frame.units[unitId]?.signals ?? {});
    view.trends = history;
    return history;
  });
  return loading;
}
const openTrend = async (ref) => (await loadTrends(view.unit)).show(ref, { reveal: true });

/** Whether people may have to say why the unit stands, or have said something that is still on its way. */
function askedWhy() {
  if (STANDS.has(standing.state)) return true;
  try {
    return Object.keys(localStorage).some((name) => name.startsWith("orewatch.outbox."));
  } catch {
    return false;
  }
}

/** The reasons of a stop, fetched once the unit stands: a unit that runs does without. */
function explain() {
  if (!view || !standing) return;
  if (view.stop) view.stop.take(standing);
  else if (view.stop === undefined && askedWhy()) {
    view.stop = null;
    later(() => import("./stop_reasons.js")).then(({ stopReasons }) => {
      view.stop = stopReasons({ unitId, panel: part("stop"), now });
      view.stop.take(standing);
    });
  }
}

function build(unit) {
  nameMachines(unit.machines);
  const head = unitHead(unit);
  part("head").replaceChildren(head.node);
  const circuit = mimic({ unit, openTrend, openMachine: openMachines });
  part("mimic").append(circuit.node);
  part("every-signal").addEventListener("click", () => openMachines());
  view = { unit, head, mimic: circuit };
  standing ??= fromList(unit);
  for (const body of document.querySelectorAll("[data-after-load]")) body.hidden = false;
  draw();
  document.title = `${unitId} · ${word("place", unit.site)} · ${t("app.name")}`;
  explain();
}

/** What stands beside and below the gauges, once they are there. */
async function buildRest() {
  const alerts = later(() => Promise.all([import("./alerts.js"), learn("alerts")])).then(([{ alertPanel }]) => {
    view.alerts = alertPanel({ unitId, now });
    part("alerts").append(view.alerts.node);
    // A frame may not come at all: what can be asked for is shown anyway.
    view.alerts.take(frame?.alerts ?? { changed: 0 });
  });
  view.strip = await stripPanel();
  view.strip.take();
  await alerts;
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    near.disconnect();
    loadTrends(view.unit);
  });
  near.observe(part("trends"));
  const { demoControls } = await later(() => import("./demo.js"));
  await demoControls({ unitId, panel: part("demo") });
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
  requestAnimationFrame(() => setTimeout(buildRest));
  setTimeout(() => frame ?? fillLatest(), FRAME_AWAITED_MS);
}

stream.start();
begin();
