// The fleet page: trouble first, one look tells.
//
//   /api/v1/fleet -------------------+
//                                    +--> fleet_units --> fleet_filter --> fleet_summary, fleet_list or fleet_map
//   /api/v1/live?changes=true -------+

import { ask, insist } from "./api.js";
import { setText } from "./dom.js";
import { fleetFilter } from "./fleet_filter.js";
import { fleetList } from "./fleet_list.js";
import { fleetSummary } from "./fleet_summary.js";
import { Fleet, sums } from "./fleet_units.js";
import { number } from "./format.js";
import { learn, t, translate } from "./language.js";
import { masthead } from "./masthead.js";
import { LiveStream } from "./stream.js";

const REREAD_MS = 3_000;
const TABLE_FIRST_MS = 1_500;
const MOST_WAITING = 10;

translate();
document.title = `${t("fleet.title")} · ${t("app.name")}`;
const showLink = masthead();
const part = (id) => document.getElementById(id);
const fleet = new Fleet();
const filter = fleetFilter({ text: part("filter"), places: part("places"), ways: part("ways"), changed: draw });
const summary = fleetSummary({
  headline: part("headline"),
  figures: part("figures"),
  chips: part("chips"),
  choose: (state) => filter.choose({ state: filter.chosen.state === state ? "" : state }),
});
const list = fleetList({ place: part("list"), clear: filter.clear });
let map = null;

function draw() {
  if (fleet.at === null) return;
  const { chosen } = filter;
  const all = [...fleet.units.values()];
  const scope = filter.scope(all);
  summary.show(sums(scope), all.length && !scope.length ? 0 : scope.length, chosen.state, fleet.month);
  const shown = chosen.state ? scope.filter((unit) => unit.state === chosen.state) : scope;
  const now = stream.now();
  const timed = Number.isFinite(now);
  part("list").hidden = chosen.view === "map";
  part("map").hidden = chosen.view !== "map";
  if (chosen.view === "map") drawMap(shown, timed ? now : fleet.at);
  else list.show({ units: shown, group: chosen.group, now: timed ? now : fleet.at, timed, blind: stream.link === "stale" || stream.link === "lost", empty: all.length === 0, key: new URLSearchParams(chosen).toString() });
}

/** The map comes when somebody wants it. */
function drawMap(units, now) {
  if (map === null) {
    map = { show() {} };
    Promise.all([import("./fleet_map.js"), learn("map")]).then(([module]) => {
      map = module.fleetMap({ place: part("map"), choose: filter.choose });
      draw();
    }, () => { map = null; }); // the next frame tries again
  }
  map.show(units, now);
}

let reading = false;
let readAt = -Infinity;
const waiting = []; // frames that came while the table was on its way

async function readTable() {
  if (reading || performance.now() - readAt < REREAD_MS) return;
  reading = true;
  try {
    const ahead = window.fleetAhead;
    window.fleetAhead = null;
    fleet.take((await ahead) ?? (await insist(() => ask("/api/v1/fleet"))));
    while (waiting.length) fleet.frame(waiting.shift());
    filter.offer([...fleet.units.values()]);
  } finally {
    reading = false;
    readAt = performance.now();
  }
  draw();
}

/** A line above the fleet, where orewatch itself needs somebody: it is no unit, and counts as none. */
function showOwn({ own = 0 }) {
  part("own").hidden = own === 0;
  setText(part("own"), t(own === 1 ? "fleet.own.one" : "fleet.own.many", { n: number(own) }));
}

function takeFrame(frame) {
  showOwn(frame.alerts ?? {});
  if (reading) {
    waiting.push(frame);
    if (waiting.length > MOST_WAITING) waiting.shift();
  } else if (!fleet.frame(frame)) readTable();
  draw();
}

const stream = new LiveStream({
  url: () => `/api/v1/live?changes=true${fleet.at === null ? "" : `&since=${fleet.at}`}`,
  onFrame: takeFrame,
  onLink: (link, silent) => {
    showLink(link, silent, stream.now());
    // While frames fail to come nothing else would redraw, and ages must go on growing.
    if (link === "stale" || link === "lost") draw();
  },
});

// Frames go on from the table, so it comes first; but a service that does not answer must be seen as lost.
showLink("opening", 0, NaN);
Promise.race([readTable(), new Promise((done) => setTimeout(done, TABLE_FIRST_MS))]).then(() => stream.start());
