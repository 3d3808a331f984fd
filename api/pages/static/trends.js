// The trends: history as far as the store knows, then what the live frames have said since.

import { ask } from "./api.js";
import { chart } from "./chart.js";
import { h } from "./dom.js";
import { instant, unitName } from "./format.js";
import { t } from "./language.js";
import { fullName } from "./machines.js";

const RANGES = {
  "15min": { ms: 900_000, step: 2 },
  "1h": { ms: 3_600_000, step: 15 },
  "6h": { ms: 21_600_000, step: 60 },
  "24h": { ms: 86_400_000, step: 180 },
};
const MOST_CHARTS = 6;
const LIVE_POINTS = 1_800;
const REREAD_MS = 60_000;
const HOLE_MS = 150_000;
// A line over an hour moves a pixel in ten seconds: drawing it every second would only warm the tablet.
const MOST_PAUSE_MS = 2_500;

/** History first, live where history has not come yet. Both in order of time. */
export function joined(past, live, from, to) {
  const last = past.length ? past.at(-1)[0] : -Infinity;
  return [...past, ...live.filter(([time]) => time > last)].filter(([time]) => time >= from && time <= to);
}

export function trends({ unit, now }) {
  const signals = new Map();
  for (const machine of unit.machines) for (const signal of machine.signals) signals.set(`${machine.id}.${signal.name}`, { machine, signal });
  const live = new Map(); // ref -> [[time, value], ...]
  const open = new Map(); // ref -> { view, past, step, readAt }
  let range = "1h";

  const charts = h("div", { class: "trend-list" });
  const buttons = Object.keys(RANGES).map((name) =>
    h("button", { type: "button", class: "button choice", "data-range": name, "aria-pressed": String(name === range), onclick: () => choose(name) }, t(`trend.${name}`)),
  );
  const chooser = h("div", { class: "segments", role: "group", "aria-label": t("trend.range") }, ...buttons);

  function choose(name) {
    range = name;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.range === name));
    for (const ref of open.keys()) read(ref);
  }

  async function read(ref) {
    const one = open.get(ref);
    const { ms, step } = RANGES[range];
    const asked = range;
    const end = now();
    if (!one) return;
    one.readAt = performance.now();
    if (!one.past.length) one.view.note(t("trend.loading"));
    const { machine, signal } = signals.get(ref);
    const query = new URLSearchParams({ machine: machine.id, signal: signal.name, start: new Date(end - ms).toISOString(), end: new Date(end).toISOString(), step: String(step), aggregate: "mean" });
    try {
      const history = await ask(`/api/v1/units/${encodeURIComponent(unit.id)}/history?${query}`);
      if (asked !== range || !open.has(ref)) return;
      one.past = history.time.map((time, i) => [instant(time), history.value[i]]);
      one.step = (history.step_s ?? step) * 1000;
      draw(ref);
      one.view.note(one.drawn ? "" : t("trend.none"));
    } catch {
      if (open.has(ref)) one.view.note(t("trend.trouble"));
    }
  }

  function draw(ref) {
    const one = open.get(ref);
    const to = now();
    if (!one) return;
    const from = to - RANGES[range].ms;
    const points = joined(one.past, live.get(ref) ?? [], from, to);
    one.drawn = points.length;
    one.drawnAt = performance.now();
    one.view.show(points, from, to, Math.max(HOLE_MS, 2.5 * one.step));
  }

  function show(ref, { reveal = false } = {}) {
    const found = signals.get(ref);
    if (!found) return;
    if (!open.has(ref)) {
      if (open.size >= MOST_CHARTS) remove(open.keys().next().value);
      const target = ref === unit.roles?.flow ? unit.target_tph : null;
      const view = chart({ name: fullName(found.machine, found.signal), signal: found.signal, target, close: () => remove(ref) });
      view.node.dataset.unit = unitName(found.signal.unit);
      view.node.dataset.ref = ref;
      open.set(ref, { view, past: [], step: 10_000, readAt: -Infinity, drawnAt: -Infinity });
      charts.append(view.node);
      read(ref);
    }
    if (reveal) {
      const { node } = open.get(ref).view;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      node.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
      node.querySelector(".chart-frame").focus({ preventScroll: true });
    }
  }

  function remove(ref) {
    open.get(ref)?.view.node.remove();
    open.delete(ref);
  }

  return {
    chooser,
    node: charts,
    show,
    /** Take a frame's signals: remember each new value, and draw on. */
    take(told) {
      for (const [ref, [value, time, quality]] of Object.entries(told)) {
        if (!signals.has(ref) || time === null) continue;
        const points = live.get(ref) ?? [];
        if (points.length && points.at(-1)[0] >= time) continue;
        points.push([time, quality === 0 ? null : value]);
        if (points.length > LIVE_POINTS) points.splice(0, points.length - LIVE_POINTS);
        live.set(ref, points);
      }
      for (const [ref, one] of open) {
        if (performance.now() - one.readAt > REREAD_MS) read(ref);
        else if (performance.now() - one.drawnAt > Math.min(MOST_PAUSE_MS, RANGES[range].ms / 600)) draw(ref);
      }
    },
  };
}
