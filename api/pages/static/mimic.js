// The unit as the ore flows: a tile for every machine with its lamp and its telling gauges, and the streams between.

import { bar } from "./bar.js";
import { h, px, setAttribute, setText, svg } from "./dom.js";
import { drawn, linesOf } from "./flow.js";
import { number } from "./format.js";
import { language, t, word } from "./language.js";
import { fullName, glyph, works } from "./machines.js";
import { isAlarm, reading, toneOf } from "./reading.js";
import { icon, stateOf } from "./states.js";

const TELLING = {
  feeder: ["level", "speed"],
  jaw_crusher: ["motor_current", "bearing_temperature"],
  impact_crusher: ["motor_current", "bearing_temperature"],
  cone_crusher: ["motor_current", "lube_temperature"],
  screen: ["acceleration"],
  conveyor: ["belt_speed"],
  belt_scale: ["mass_flow"],
  ball_mill: ["power", "trunnion_temperature"],
  cyclone: ["feed_pressure", "slurry_density"],
  flotation_bank: ["ph", "pulp_level"],
  thickener: ["rake_torque"],
  filter: ["pressure", "cycle_time"],
  jig: ["stroke_rate", "hutch_water"],
  magnetic_separator: ["coil_current", "drum_speed"],
  washer: ["motor_current", "wash_water"],
  genset: ["power", "frequency", "coolant_temperature"],
};
const MOST = 3;
const LEAST_TILE = 170;
const LAMPS = { run: stateOf("RUNNING").icon, stop: "M4 4h8v8H4z", fault: "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1", unknown: "M3 8h10" };
/** Below this share of its target a unit moves nothing that matters: the belt's own tremble. */
const LEAST_FLOW = 0.05;

/** The gauges of a machine that tell most: what its class is watched by, and what the unit's state stands on. */
export function tellingOf(machine, roles = {}) {
  const analog = machine.signals.filter((signal) => signal.kind === "analog");
  const parts = [roles.flow, roles.main, roles.hopper].filter((ref) => ref?.startsWith(`${machine.id}.`)).map((ref) => ref.slice(machine.id.length + 1));
  const names = new Set([...parts, ...(TELLING[machine.class] ?? analog.slice(0, 2).map((signal) => signal.name))]);
  return [...names].map((name) => analog.find((signal) => signal.name === name)).filter(Boolean).slice(0, MOST);
}

/** Running, stopped, or what is wrong; null where nothing is told. */
function lampOf(machine, signals, trusted) {
  if (trusted === "lost") return { kind: "unknown", word: t("not-known") };
  const on = (name) => {
    const [value, , quality] = signals[`${machine.id}.${name}`] ?? [null];
    return value === null || quality === 0 ? null : value >= 0.5;
  };
  const digital = machine.signals.filter((signal) => signal.kind === "digital");
  const fault = digital.find((signal) => signal.name !== "running" && on(signal.name));
  if (fault) return { kind: "fault", word: word("signal", fault.name) };
  if (!digital.some((signal) => signal.name === "running")) return null;
  const runs = on("running");
  if (runs === null) return { kind: "unknown", word: t("not-known") };
  return runs ? { kind: "run", word: word("signal", "running") } : { kind: "stop", word: t("digital.stopped") };
}

function tile({ machine, unit, openTrend, openMachine }) {
  const ref = (signal) => `${machine.id}.${signal.name}`;
  const telling = tellingOf(machine, unit.roles);
  const gauges = telling.map((signal) => {
    const flow = ref(signal) === unit.roles?.flow;
    return { signal, gauge: bar({ name: flow ? t("unit.rate") : word("signal", signal.name), label: fullName(machine, signal), signal, target: flow ? unit.target_tph : null, open: () => openTrend(ref(signal)) }) };
  });
  const others = machine.signals.filter((signal) => signal.kind === "analog" && !telling.includes(signal));
  const lampIcon = icon(LAMPS.unknown);
  const lampWord = h("span", {});
  const lamp = h("span", { class: "tile-lamp" }, lampIcon, lampWord);
  const fed = (unit.streams ?? []).filter((stream) => stream.from === machine.id).map((stream) => {
    const to = unit.machines.find((one) => one.id === stream.to)?.shown ?? stream.to;
    return stream.title ? `${to} (${titleOf(stream)})` : to;
  });
  const head = h(
    "button",
    { type: "button", class: "tile-head", title: t("mimic.open", { name: machine.shown, n: number(machine.signals.length) }), onclick: () => openMachine(machine.id) },
    glyph(machine.class),
    h("span", { class: "tile-name" }, machine.shown),
    lamp,
    fed.length ? h("span", { class: "unseen" }, t("mimic.feeds", { machines: fed.join(t("list")) })) : null,
  );
  let alarmed = null;
  const alarm = h("button", { type: "button", class: "tile-alarm", hidden: true, onclick: () => openTrend(ref(alarmed)) });
  const node = h("li", { class: "tile", "data-machine": machine.id, "data-class": machine.class }, head, h("div", { class: "tile-gauges" }, ...gauges.map(({ gauge }) => gauge.node)), alarm);
  return {
    node,
    machine,
    /** Show; returns whether the machine lets ore through, as far as that is known. */
    show({ signals, now, trusted, state }) {
      const read = (signal) => reading({ signal, told: signals[ref(signal)], now, trusted, working: works(machine, signal, signals, state) });
      for (const { signal, gauge } of gauges) gauge.show(read(signal));
      // What has no gauge here still gets a word when it is out of its limits.
      const bad = others.map((signal) => ({ signal, got: read(signal) })).filter(({ got }) => isAlarm(got.level));
      const worst = bad.find(({ got }) => toneOf(got.level) === "trip") ?? bad[0];
      alarmed = worst?.signal ?? null;
      alarm.hidden = !worst;
      setAttribute(alarm, "data-level", worst ? toneOf(worst.got.level) : null);
      if (worst) setText(alarm, t("mimic.alarm", { name: word("signal", worst.signal.name), value: `${worst.got.text} ${worst.got.unit}`.trim(), level: worst.got.remark || t(`level.${worst.got.level}`) }));
      const lit = lampOf(machine, signals, trusted);
      lamp.hidden = !lit;
      setAttribute(node, "data-run", lit?.kind ?? "none");
      if (lit) {
        setAttribute(lampIcon.firstChild, "d", LAMPS[lit.kind]);
        setText(lampWord, lit.word);
      }
      return lit?.kind !== "stop" && lit?.kind !== "unknown";
    },
  };
}

const titleOf = (stream) => stream.title?.[language] ?? stream.title?.en ?? "";

/** `openTrend(ref)` and `openMachine(id)` are called when somebody wants to see more. */
export function mimic({ unit, openTrend, openMachine }) {
  const streams = unit.streams ?? [];
  const carries = new Set(streams.flatMap((stream) => [stream.from, stream.to]));
  const tiles = unit.machines.map((machine) => tile({ machine, unit, openTrend, openMachine }));
  // What carries no ore gives power: it stands below the flow, on a line of its own.
  const flows = tiles.filter(({ machine }) => carries.has(machine.id) || (!streams.length && machine.class !== "genset"));
  for (const one of tiles) if (!flows.includes(one)) one.node.classList.add("beside");
  const list = h("ol", { class: "tiles" }, ...flows.map((one) => one.node), ...tiles.filter((one) => !flows.includes(one)).map((one) => one.node));
  const lines = streams.map((stream) => {
    const name = titleOf(stream);
    const parts = { line: svg("path", { class: "line" }), tip: svg("path", { class: "tip" }), name: svg("text", {}, name) };
    return { ...parts, stream, node: svg("g", { class: "stream", "data-from": stream.from, "data-to": stream.to }, parts.line, parts.tip, name ? parts.name : null) };
  });
  const sheet = svg("svg", { class: "streams", "aria-hidden": "true" }, ...lines.map((one) => one.node));
  const node = h("div", { class: "mimic" }, sheet, list);

  function columns() {
    const wide = list.clientWidth;
    const least = Number(getComputedStyle(node).getPropertyValue("--least-tile")) || LEAST_TILE;
    const most = Math.max(1, Math.floor(wide / px(wide < px(480) ? 260 : least)));
    const rows = Math.ceil(flows.length / most);
    return Math.max(1, Math.ceil(flows.length / rows));
  }

  function draw() {
    if (!list.clientWidth) return;
    const n = columns();
    setAttribute(node, "data-upright", String(n === 1));
    node.style.setProperty("--columns", n);
    const [width, height] = [node.clientWidth, flows.reduce((most, one) => Math.max(most, one.node.offsetTop + one.node.offsetHeight), 0) + px(26)];
    const mirrored = getComputedStyle(node).direction === "rtl";
    const boxes = flows.map(({ node: one, machine }) => ({ id: machine.id, x: mirrored ? width - one.offsetLeft - one.offsetWidth : one.offsetLeft, y: one.offsetTop, width: one.offsetWidth, height: one.offsetHeight }));
    sheet.setAttribute("width", width);
    sheet.setAttribute("height", node.clientHeight);
    linesOf({ tiles: boxes, streams, width, height: Math.min(height, node.clientHeight), port: px(22) }).forEach((course, i) => {
      const { line, tip, name, node: group } = lines[i];
      group.toggleAttribute("hidden", !course);
      if (!course) return;
      const turn = ([x, y]) => [mirrored ? width - x : x, y];
      const path = drawn(course.points.map(turn), px(7));
      setAttribute(group, "data-back", String(course.back));
      setAttribute(line, "d", path.line);
      setAttribute(tip, "d", path.tip);
      const [x, y] = turn([course.label.x, course.label.y]);
      const beside = course.points.length === 2;
      const along = course.label.along === "y";
      // Between two neighbours there is no room on the line: the name stands beside it.
      const at = !beside ? [x, y] : along ? [x, y + px(9)] : [x + (mirrored ? -px(9) : px(9)), y];
      setAttribute(name, "transform", `translate(${at[0].toFixed(1)} ${at[1].toFixed(1)})${along ? ` rotate(90)` : ""}`);
      setAttribute(name, "text-anchor", !beside ? "middle" : mirrored && !along ? "end" : "start");
    });
  }
  new ResizeObserver(draw).observe(list);

  return {
    node,
    draw,
    /** Back to the machine whose details were closed. */
    focus: (id) => tiles.find((one) => one.machine.id === id)?.node.querySelector(".tile-head").focus(),
    show(told) {
      const passes = new Map(tiles.map((one) => [one.machine.id, one.show(told)]));
      const moving = told.trusted === "live" && told.standing.throughput_tph !== null && told.standing.throughput_tph > LEAST_FLOW * (told.standing.target_tph || unit.nameplate_tph);
      for (const { stream, node: group } of lines) setAttribute(group, "data-flows", String(moving && passes.get(stream.from)));
    },
  };
}
