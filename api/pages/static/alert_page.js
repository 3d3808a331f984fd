// The page of one alert.
//
//   /api/v1/alerts/ID, again when the stream says that alerts changed --> head, deeds, timeline
//   /units/ID, /states, /history around the onset ----------------------> charts (loaded after the rest)

import { perform, troubleOf } from "./alert_acts.js";
import { takeBar } from "./alert_bar.js";
import { alertDeeds } from "./alert_deeds.js";
import { alertHead } from "./alert_head.js";
import { askName } from "./alert_name.js";
import { alertTimeline } from "./alert_timeline.js";
import { isOwn, isUntaken, kindWord } from "./alert_words.js";
import { answeredAt, ApiError, ask, insist } from "./api.js";
import { h, setText } from "./dom.js";
import { number } from "./format.js";
import { join, learn, t, translate, word } from "./language.js";
import { masthead } from "./masthead.js";
import { personName } from "./person.js";
import { LiveStream } from "./stream.js";

const REREAD_MS = 60_000; // what a standing alert costs goes on growing
const NUMBER = /^\d{1,15}$/;

const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const api = `/api/v1/alerts/${encodeURIComponent(id)}`;
const title = t("one.title", { n: NUMBER.test(id) ? number(Number(id)).replaceAll(/[,٬]/g, "") : id });

translate();
const part = (name) => document.getElementById(name);
const showLink = masthead({ trail: [h("span", { class: "crumb" }, title)] });
document.title = `${title} · ${t("app.name")}`;

let alert = null;
let place = "";
let around = null;
const head = alertHead(part("head"));
const deeds = alertDeeds({ act, rename: async () => { await askName(); draw(); } });
const timeline = alertTimeline();
const bar = takeBar({ place: part("bar"), take: () => act("acknowledge", {}) });
part("deeds").append(...deeds.parts);
part("timeline").append(timeline.node);

const stream = new LiveStream({
  url: "/api/v1/live?changes=true",
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

let seen = null;
let readAt = -Infinity;

function look(changed) {
  if (alert === null) return;
  const due = performance.now() - readAt;
  const grows = alert.cleared_at === null && due > REREAD_MS;
  if ((changed !== seen && due > 1_000) || grows) {
    seen = changed;
    readAt = performance.now();
    ask(api).then(take, () => {
      seen = null; // the next frame tries again
    });
  }
  draw();
}

function take(told) {
  alert = told;
  readAt = performance.now();
  draw();
}

async function act(what, body) {
  const by = personName() || (await askName());
  if (!by) return false;
  deeds.say("");
  deeds.busy(true);
  try {
    take(await perform(id, what, by, body));
    return true;
  } catch (error) {
    deeds.say(troubleOf(error));
    readAt = -Infinity;
    seen = null;
    part("deeds").scrollIntoView({ block: "nearest" });
    return false;
  } finally {
    deeds.busy(false);
    draw();
  }
}

function draw() {
  if (alert === null) return;
  const at = now();
  head.show(alert, at, place);
  deeds.show(alert, personName());
  timeline.show(alert, at);
  bar.show(isUntaken(alert) ? alert : null, at);
  around?.show(alert, at);
}

/** Fetch a part that comes later: over a link that fails just then, until it is there. */
const later = (load) =>
  insist(async () => {
    try {
      return await load();
    } catch (error) {
      throw /dynamically imported|[Ii]mporting a module/.test(error?.message) ? new ApiError(0, error.message) : error;
    }
  });

/** There is no plant around orewatch itself. */
function leaveOutAround() {
  part("around").parentElement.hidden = true;
  part("content").toggleAttribute("data-own", true);
  document.title = `${kindWord(alert)} · ${t("app.name")}`;
}

/** Where it is and what the plant did: asked for once the alert itself stands. */
async function fillAround() {
  const [{ aroundOnset }, unit] = await Promise.all([later(() => import("./alert_around.js")), insist(() => ask(`/api/v1/units/${encodeURIComponent(alert.unit)}`)), later(() => learn("unit"))]);
  around = aroundOnset({ place: part("around"), unit, alert });
  place = join(word("place", unit.site), word("place", unit.province), around.named(alert));
  document.title = `${kindWord(alert)}, ${alert.unit} · ${t("app.name")}`;
  draw();
}

async function begin() {
  const note = part("note");
  const trouble = () => {
    note.hidden = false;
    setText(note.firstElementChild, t("load.trouble"));
  };
  try {
    if (!NUMBER.test(id)) throw new ApiError(404, id);
    take(await insist(() => ask(api), trouble));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    trouble();
    setText(note.firstElementChild, t("one.missing"));
    note.append(h("a", { class: "button", href: "/alerts" }, t("one.back")));
    return;
  }
  note.hidden = true;
  part("head").hidden = false;
  for (const body of document.querySelectorAll("[data-after-load]")) body.hidden = false;
  if (isOwn(alert)) return leaveOutAround();
  setText(part("around"), t("one.around.loading"));
  return fillAround().catch((error) => {
    if (!(error instanceof ApiError)) throw error;
    setText(part("around"), t("one.around.trouble"));
  });
}

stream.start();
begin();
