// A line over time, drawn as SVG: limits as washes, gaps as gaps. Time runs from left to right in both languages.

import { h, px, setAttribute, setText, svg } from "./dom.js";
import { clock, decimalsFor, minute, moment, number } from "./format.js";
import { join, t } from "./language.js";
import { gridStep, Scale } from "./reading.js";

const HEIGHT = px(150);
const LEFT = px(44);
const RIGHT = px(10);
const TOP = px(8);
const BOTTOM = px(20);
/** Where the drawn span begins and ends, for what stands above or below on the same scale of time. */
export const EDGES = { left: LEFT, right: RIGHT };
const TEHRAN_MS = 12_600_000;
const TICKS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600].map((s) => s * 1000);

/** Points [time, value|null] to path data; a hole longer than `gap_ms` is a hole, never a straight line. */
export function pathOf(points, x, y, gap_ms) {
  let path = "";
  let before = null;
  for (const [time, value] of points) {
    if (value === null || !Number.isFinite(value)) {
      before = null;
      continue;
    }
    path += `${before !== null && time - before <= gap_ms ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    before = time;
  }
  return path;
}

function spanOf(points, signal, target) {
  let low = Infinity;
  let high = -Infinity;
  for (const [, value] of points) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return null;
  const seen = { low, high };
  if (target) high = Math.max(high, target * 1.05);
  // Noise of a few sensor steps must not look like an earthquake.
  const least = Math.max(20 * (signal.resolution ?? 0), Math.abs(high) * 0.04);
  if (high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2];
  const pad = (high - low) * 0.1;
  if (low >= 0 && low - pad < high * 0.4) low = 0;
  else low -= pad;
  return { low, high: high + pad, seen };
}

export function chart({ name, signal, target = null, close = null }) {
  const zones = svg("g", {});
  const grid = svg("g", { class: "grid" });
  const aim = svg("path", { class: "aim" });
  const line = svg("path", { class: "line" });
  const moments = svg("g", { class: "marks" });
  const cursor = svg("g", { class: "cursor", visibility: "hidden" }, svg("path", { d: `M0 ${TOP}V${HEIGHT - BOTTOM}` }), svg("circle", { r: 3.5 }));
  const drawing = svg("svg", { class: "chart", role: "img", "aria-label": name, height: HEIGHT }, zones, grid, aim, line, moments, cursor);
  const frame = h("div", { class: "chart-frame", tabindex: "0" }, drawing);
  const readout = h("span", { class: "readout" });
  const note = h("p", { class: "chart-note quiet small", role: "status" });
  const node = h(
    "figure",
    { class: "trend" },
    h("figcaption", {}, h("span", { class: "name" }, name), readout, close && h("button", { type: "button", class: "button plain close", "aria-label": t("trend.close", { name }), onclick: close }, "×")),
    frame,
    note,
  );
  const limits = new Scale(signal);
  let points = [];
  let marks = []; // [{ kind, at, title }]
  let range = [0, 1];
  let gap = 150_000;
  let picked = null;
  let now = NaN;
  let drawn = null;

  const figures = (value) => number(value, decimalsFor(signal.resolution, value));

  function draw() {
    const width = frame.clientWidth;
    if (!width) return;
    drawing.setAttribute("width", width);
    const x = (ms) => LEFT + ((ms - range[0]) / (range[1] - range[0])) * (width - LEFT - RIGHT);
    const box = spanOf(points, signal, target);
    if (!box) {
      for (const part of [zones, grid, moments]) part.replaceChildren();
      setAttribute(line, "d", null);
      setAttribute(aim, "d", null);
      drawn = null;
      return;
    }
    const y = (value) => TOP + (1 - (value - box.low) / (box.high - box.low)) * (HEIGHT - TOP - BOTTOM);
    drawn = { x, y, width };
    setAttribute(line, "d", pathOf(points, x, y, gap));
    setAttribute(aim, "d", target ? `M${LEFT} ${y(target).toFixed(1)}H${width - RIGHT}` : null);
    drawZones(box, y, width);
    drawGrid(box, x, y, width);
    moments.replaceChildren(...marks.filter(({ at }) => at >= range[0] && at <= range[1]).map(({ kind, at, title }) => svg("g", { class: kind }, svg("title", {}, title), svg("path", { d: `M${x(at).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}` }))));
    const last = points.at(-1)?.[1];
    setAttribute(drawing, "aria-label", t("trend.summary", { name, low: figures(box.seen.low), high: figures(box.seen.high), last: figures(last), unit: "" }));
    say();
  }

  function drawZones(box, y, width) {
    const edges = [];
    const add = (from, to, kind) => {
      const [top, bottom] = [Math.min(to, box.high), Math.max(from, box.low)];
      if (top > bottom) edges.push(svg("rect", { class: `zone ${kind}`, x: LEFT, width: Math.max(0, width - LEFT - RIGHT), y: y(top), height: y(bottom) - y(top) }));
    };
    const s = limits.signal;
    const has = (value) => value !== null && value !== undefined;
    if (has(s.warn)) add(s.warn, s.trip ?? Infinity, "warn");
    if (has(s.trip)) add(s.trip, Infinity, "trip");
    if (has(s.warn_low)) add(s.trip_low ?? -Infinity, s.warn_low, "warn");
    if (has(s.trip_low)) add(-Infinity, s.trip_low, "trip");
    zones.replaceChildren(...edges);
  }

  function drawGrid(box, x, y, width) {
    const lines = [];
    const step = gridStep((box.high - box.low) / 5);
    const digits = decimalsFor(step);
    for (let value = Math.ceil(box.low / step) * step; value <= box.high; value += step) {
      const here = y(value).toFixed(1);
      lines.push(svg("path", { d: `M${LEFT} ${here}H${width - RIGHT}` }), svg("text", { class: "y", x: LEFT - 6, y: here }, number(value, digits)));
    }
    const most = Math.max(2, Math.floor(width / px(90)));
    const every = TICKS.find((one) => (range[1] - range[0]) / one <= most) ?? TICKS.at(-1);
    for (let at = Math.ceil((range[0] + TEHRAN_MS) / every) * every - TEHRAN_MS; at < range[1]; at += every) {
      const here = x(at);
      if (here < LEFT + 12 || here > width - 22) continue;
      lines.push(svg("path", { class: "tick", d: `M${here.toFixed(1)} ${HEIGHT - BOTTOM}v4` }), svg("text", { class: "x", x: here.toFixed(1), y: HEIGHT - 4 }, minute(at)));
    }
    grid.replaceChildren(...lines);
  }

  function say() {
    const point = picked === null ? points.at(-1) : points[picked];
    const unit = node.dataset.unit;
    if (!point || point[1] === null) setText(readout, "");
    else setText(readout, picked === null ? `${figures(point[1])} ${unit}` : join(`${figures(point[1])} ${unit}`, range[1] - range[0] > 3_600_000 ? moment(point[0], now) : clock(point[0])));
    setAttribute(cursor, "visibility", picked === null || !drawn ? "hidden" : null);
    if (picked !== null && drawn && point?.[1] !== null) {
      setAttribute(cursor, "transform", `translate(${drawn.x(point[0]).toFixed(1)} 0)`);
      setAttribute(cursor.lastChild, "cy", drawn.y(point[1]).toFixed(1));
    }
  }

  function pick(index) {
    picked = index;
    say();
  }
  frame.addEventListener("pointermove", (event) => {
    if (!drawn || !points.length) return;
    const left = frame.getBoundingClientRect().left;
    const at = range[0] + ((event.clientX - left - LEFT) / (drawn.width - LEFT - RIGHT)) * (range[1] - range[0]);
    let best = null;
    for (let i = 0; i < points.length; i++) {
      if (points[i][1] !== null && (best === null || Math.abs(points[i][0] - at) < Math.abs(points[best][0] - at))) best = i;
    }
    pick(best);
  });
  frame.addEventListener("pointerleave", () => pick(null));
  frame.addEventListener("blur", () => pick(null));
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (!step || !points.length) return;
    event.preventDefault();
    pick(Math.min(points.length - 1, Math.max(0, (picked ?? points.length - 1) + step)));
  });
  new ResizeObserver(draw).observe(frame);

  return {
    node,
    note: (text) => {
      setText(note, text);
      note.hidden = !text;
    },
    /** `marked`: moments to mark on the line of time, [{ kind, at, title }]. */
    show(next, from, to, gap_ms, marked = []) {
      points = next;
      marks = marked;
      range = [from, to];
      now = to;
      gap = gap_ms;
      if (picked !== null && picked >= points.length) picked = null;
      draw();
    },
  };
}
