// What the plant did around the onset of an alert: its states, and the signals that tell most, on one scale of time.

import { everything, ask } from "./api.js";
import { chart, EDGES } from "./chart.js";
import { h, px, setAttribute, setText, svg } from "./dom.js";
import { instant, moment, span, unitName } from "./format.js";
import { t } from "./language.js";
import { fullName, nameMachines } from "./machines.js";
import { icon, stateIcon, stateOf, stateWord } from "./states.js";

const MINUTE_MS = 60_000;
const BEFORE_MS = 30 * MINUTE_MS;
const AFTER_MS = 15 * MINUTE_MS;
const NEAR_MS = 60 * MINUTE_MS; // after the onset, where the whole alert would be too long to see how it began
const LONG_MS = 4 * 60 * MINUTE_MS;
const LONGEST_MS = 31 * 24 * 60 * MINUTE_MS; // what the service answers in one question
const POINTS = 500;
const STEPS_S = [2, 5, 10, 30, 60, 180, 300, 600, 1800, 3600];
const HOLE_MS = 150_000;
const REREAD_MS = 60_000;
const HEIGHT = px(34);
const MARKS = ["onset", "raised", "cleared"];

/** [from, to] in ms: half an hour before the onset, to a while after the end or to now. */
export function spanOf(alert, now, whole) {
  const onset = instant(alert.onset_at);
  const end = alert.cleared_at === null ? now : Math.min(now, instant(alert.cleared_at) + AFTER_MS);
  const to = whole ? end : Math.min(end, onset + NEAR_MS);
  const from = onset - BEFORE_MS;
  return [from, Math.max(Math.min(to, from + LONGEST_MS), from + MINUTE_MS)];
}

function strip() {
  const segments = svg("g", {});
  const marks = svg("g", { class: "marks" });
  const drawing = svg("svg", { class: "span-strip", role: "img", "aria-label": t("strip.none"), height: HEIGHT }, segments, marks);
  const frame = h("div", { class: "chart-frame" }, drawing);
  const legend = h("ul", { class: "legend" });
  let told = null;

  function draw() {
    const width = frame.clientWidth;
    if (!width || !told) return;
    const { items, from, to, at } = told;
    const x = (ms) => EDGES.left + ((ms - from) / (to - from)) * (width - EDGES.left - EDGES.right);
    setAttribute(drawing, "width", width);
    segments.replaceChildren(
      ...items.map((one) => {
        const left = x(one.from);
        const wide = Math.max(1, x(one.to) - left);
        const shown = stateOf(one.state, one.reason);
        const group = svg("g", { class: "segment", "data-state": shown.name }, svg("rect", { x: left.toFixed(1), y: 0, width: wide.toFixed(1), height: HEIGHT }));
        if (wide > px(26)) {
          const drawn = icon(shown.icon);
          for (const [name, value] of Object.entries({ x: left + wide / 2 - px(7), y: HEIGHT / 2 - px(7), width: px(14), height: px(14) })) drawn.setAttribute(name, value);
          group.append(drawn);
        }
        return group;
      }),
    );
    marks.replaceChildren(...at.filter((mark) => mark.at >= from && mark.at <= to).map((mark) => svg("g", { class: mark.kind }, svg("path", { d: `M${x(mark.at).toFixed(1)} 0V${HEIGHT}` }))));
  }
  new ResizeObserver(draw).observe(frame);

  return {
    node: h("div", { class: "strip-body" }, frame, legend),
    show(items, from, to, at) {
      told = { items, from, to, at };
      const sums = new Map();
      for (const one of items) {
        const key = stateWord(one.state, one.reason, one.code);
        const sum = sums.get(key) ?? { one, ms: 0 };
        sum.ms += one.to - one.from;
        sums.set(key, sum);
      }
      const order = [...sums].sort((a, b) => b[1].ms - a[1].ms);
      legend.replaceChildren(...order.map(([name, { one, ms }]) => h("li", { "data-state": stateOf(one.state, one.reason).name }, h("span", { class: "swatch" }, stateIcon(one.state, one.reason)), h("span", {}, name), h("b", {}, span(ms)))));
      setAttribute(drawing, "aria-label", t("one.strip", { from: moment(from, to), to: moment(to, to), summary: order.map(([name, { ms }]) => `${name} ${span(ms)}`).join(t("list")) }));
      draw();
    },
  };
}

function markKey() {
  const lines = MARKS.map((kind) => h("li", {}, svg("svg", { class: "marks", viewBox: "0 0 8 16", "aria-hidden": "true" }, svg("g", { class: kind }, svg("path", { d: "M4 0V16" }))), t(`one.mark.${kind}`)));
  return { node: h("ul", { class: "mark-key" }, lines), lines };
}

export function aroundOnset({ place, unit, alert }) {
  nameMachines(unit.machines);
  const all = new Map(unit.machines.flatMap((machine) => machine.signals.map((signal) => [`${machine.id}.${signal.name}`, { machine, signal }])));
  const { flow, main, hopper } = unit.roles ?? {};
  const own = alert.machine && alert.signal ? `${alert.machine}.${alert.signal}` : null;
  const refs = [...new Set([own, flow, main, hopper])].filter((ref) => all.has(ref));
  const views = refs.map((ref) => {
    const { machine, signal } = all.get(ref);
    const view = chart({ name: fullName(machine, signal), signal, target: ref === flow ? unit.target_tph : null });
    view.node.dataset.unit = unitName(signal.unit);
    view.node.dataset.ref = ref;
    return { ref, machine, signal, view };
  });
  const states = strip();
  const key = markKey();
  const trouble = h("p", { class: "quiet", role: "status", hidden: true });
  const range = h("div", { class: "segments", role: "group", "aria-label": t("trend.range") });
  const buttons = ["near", "whole"].map((name) => h("button", { type: "button", class: "button choice", onclick: () => choose(name) }, t(`one.range.${name}`)));
  range.append(...buttons);
  place.replaceChildren(range, key.node, states.node, h("div", { class: "trend-list" }, views.map(({ view }) => view.node)), trouble);

  let chosen = null; // near | whole; by the length of the alert until somebody chooses
  let readAt = -Infinity;
  let asked = 0;
  let last = null;

  function choose(name) {
    chosen = name;
    readAt = -Infinity;
    show(last.alert, last.now);
  }

  async function read(told, now, whole) {
    const mine = ++asked;
    readAt = performance.now();
    const [from, to] = spanOf(told, now, whole);
    const step = STEPS_S.find((one) => (to - from) / (one * 1000) <= POINTS) ?? STEPS_S.at(-1);
    const api = `/api/v1/units/${encodeURIComponent(unit.id)}`;
    const between = { start: new Date(from).toISOString(), end: new Date(to).toISOString() };
    const at = MARKS.map((kind) => ({ kind, at: instant(told[`${kind}_at`]), title: t(`one.mark.${kind}`) })).filter((mark) => Number.isFinite(mark.at));
    key.lines.forEach((line, i) => { line.hidden = !at.some((mark) => mark.kind === MARKS[i]); });
    const questions = views.map(async ({ machine, signal, view }) => {
      const history = await ask(`${api}/history?${new URLSearchParams({ ...between, machine: machine.id, signal: signal.name, step: String(step), aggregate: "mean" })}`);
      if (mine !== asked) return 0;
      const points = history.time.map((time, i) => [instant(time), history.value[i]]);
      view.show(points, from, to, Math.max(HOLE_MS, 2500 * (history.step_s ?? step)), at);
      view.note(points.length ? "" : t("trend.none"));
      return points.length;
    });
    questions.push(
      everything(`${api}/states?${new URLSearchParams(between)}`).then((items) => {
        if (mine === asked) states.show(items.map((one) => ({ ...one, from: Math.max(from, instant(one.from)), to: Math.min(to, instant(one.to)) })).filter((one) => one.to > one.from), from, to, at);
        return items.length;
      }),
    );
    const answers = await Promise.allSettled(questions);
    if (mine !== asked) return;
    const failed = answers.some((answer) => answer.status === "rejected");
    if (failed) readAt = performance.now() - REREAD_MS + 10_000;
    trouble.hidden = !failed && answers.some((answer) => answer.value > 0);
    setText(trouble, t(failed ? "one.around.trouble" : "one.around.none"));
  }

  function show(told, now) {
    last = { alert: told, now };
    const [from, end] = spanOf(told, now, true);
    const whole = chosen === null ? end - from <= LONG_MS : chosen === "whole";
    range.hidden = end - from <= BEFORE_MS + NEAR_MS;
    buttons.forEach((button, i) => setAttribute(button, "aria-pressed", String(whole === (i === 1))));
    const grows = told.cleared_at === null || now - instant(told.cleared_at) < AFTER_MS + REREAD_MS;
    if (readAt === -Infinity || (performance.now() - readAt > REREAD_MS && grows)) read(told, now, whole);
  }

  return {
    show,
    /** Machine and signal of an alert in words; empty where it is about the whole unit. */
    named(told) {
      const found = all.get(`${told.machine}.${told.signal}`);
      return found ? fullName(found.machine, found.signal) : "";
    },
  };
}
