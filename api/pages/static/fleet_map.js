// The fleet on a map of our own: no tiles, no other host. A mark is a unit or several; what it holds is listed beside it.

import { arrange, h, px, setAttribute, setText, svg } from "./dom.js";
import { gather, project, WHOLE } from "./fleet_clusters.js";
import { CITIES, OUTLINE, WATERS } from "./fleet_iran.js";
import { mapPanel } from "./fleet_map_panel.js";
import { byGravity, sums } from "./fleet_units.js";
import { number } from "./format.js";
import { join, t, word } from "./language.js";
import { stateOf, stateWord } from "./states.js";

const MOST_ZOOM = 16;
// One shape per tone, so that grave and calm differ without their colours: on a circle of radius 1.
const SHAPES = {
  critical: "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
  attention: "M-0.98 -0.98H0.98V0.98H-0.98Z",
  unknown: "M-1.12 0L-0.56 -1H0.56L1.12 0L0.56 1H-0.56Z",
  calm: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0Z",
};

const line = (points, close) => `M${points.map(([lon, lat]) => project(lon, lat).map((v) => v.toFixed(1)).join(" ")).join("L")}${close ? "Z" : ""}`;

function ground() {
  const grid = [];
  for (let lon = 45; lon <= 60; lon += 5) grid.push(line([[lon, 39.9], [lon, 24.6]]));
  for (let lat = 25; lat <= 35; lat += 5) grid.push(line([[44, lat], [63.5, lat]]));
  return [svg("path", { class: "grid", d: grid.join("") }), svg("path", { class: "land", d: line(OUTLINE, true) })];
}

export function fleetMap({ place, choose }) {
  const names = svg("g", { class: "names", "aria-hidden": "true" });
  const marks = svg("g", {});
  const drawing = svg("svg", { class: "country", role: "group", "aria-label": t("map.label") }, ...ground(), names, marks);
  const zoomOut = h("button", { type: "button", class: "button", "aria-label": t("map.out"), onclick: () => zoom(1 / 2) }, "−");
  const zoomIn = h("button", { type: "button", class: "button", "aria-label": t("map.in"), onclick: () => zoom(2) }, "+");
  const lost = h("p", { class: "lost quiet" });
  const panel = mapPanel({ choose, zoom: (cluster) => zoom(4, cluster) });
  place.append(h("div", { class: "map-side" }, h("div", { class: "zoomed" }, h("div", { class: "zoom" }, zoomIn, zoomOut), drawing), legend(), lost), panel.node);

  const labels = [
    ...CITIES.map(([name, lon, lat]) => label(project(lon, lat), t(`city.${name}`), "city")),
    ...WATERS.map(([name, lon, lat]) => label(project(lon, lat), t(`water.${name}`), "water")),
  ];
  names.append(...labels.map((one) => one.node));

  const nodes = new Map(); // cluster key -> mark
  let view = { ...WHOLE };
  let clusters = [];
  let chosen = null; // key of the cluster whose units are listed
  let last = null;
  let members = "";

  function label([x, y], text, kind) {
    const dot = kind === "city" ? svg("circle", { r: 1 }) : null;
    const node = svg("g", { class: kind }, dot, svg("text", { x: kind === "city" ? 5 : 0, y: 4 }, text));
    return { node, place: (k) => setAttribute(node, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${k})`), dot };
  }

  /** The map's units per pixel of the usual type size: marks and names keep their size whatever the zoom is. */
  const unitsPerPixel = () => Math.max(view.w / Math.max(1, drawing.clientWidth), view.h / Math.max(1, drawing.clientHeight)) * (px(100) / 100);

  function zoom(factor, at = null) {
    const w = Math.min(WHOLE.w, Math.max(WHOLE.w / MOST_ZOOM, view.w / factor));
    const ratio = w / WHOLE.w;
    const middle = at ?? { x: view.x + view.w / 2, y: view.y + view.h / 2 };
    const high = WHOLE.h * ratio;
    const within = (low, size, all, allSize) => Math.min(all + allSize - size, Math.max(all, low));
    view = { w, h: high, x: within(middle.x - w / 2, w, WHOLE.x, WHOLE.w), y: within(middle.y - high / 2, high, WHOLE.y, WHOLE.h) };
    members = "";
    if (last) show(...last);
  }

  function mark(cluster) {
    const shape = svg("path", { class: "shape" });
    const icon = svg("path", { class: "sign" });
    const count = svg("text", { class: "count", y: 4.2 });
    const body = svg("g", {}, shape, icon, count);
    const node = svg("g", { class: "mark", role: "button", tabindex: 0, onclick: () => pick(cluster.key), onkeydown: press }, body);
    function press(event) {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick(cluster.key);
      panel.focus();
    }
    return { node, shape, icon, count, body };
  }

  function pick(key) {
    chosen = key;
    if (last) show(...last);
  }

  function drawMark(cluster, k) {
    let found = nodes.get(cluster.key);
    if (!found) nodes.set(cluster.key, (found = mark(cluster)));
    const sum = sums(cluster.units);
    cluster.sum = sum;
    const many = cluster.units.length > 1;
    const radius = many ? 11 + Math.min(9, 3 * Math.log10(cluster.units.length)) : 9;
    setAttribute(found.node, "transform", `translate(${cluster.x.toFixed(2)} ${cluster.y.toFixed(2)}) scale(${k.toFixed(4)})`);
    setAttribute(found.node, "data-state", sum.state);
    setAttribute(found.node, "data-tone", sum.tone);
    setAttribute(found.node, "data-chosen", cluster.key === chosen ? "" : null);
    setAttribute(found.shape, "d", SHAPES[sum.tone]);
    setAttribute(found.shape, "transform", `scale(${radius})`);
    setAttribute(found.icon, "d", many ? "" : stateOf(sum.state).icon);
    setAttribute(found.icon, "transform", `translate(-6 -6) scale(0.75)`);
    setText(found.count, many ? number(cluster.units.length) : "");
    const states = byGravity(sum.states).map(([state, n]) => `${stateWord(state)} ${number(n)}`);
    const one = cluster.units[0];
    const name = many ? t("map.units", { n: number(cluster.units.length) }) : one.id;
    setAttribute(found.node, "aria-label", join(`${name}, ${word("place", one.province)}`, ...(many ? states : [stateWord(one.state)])));
    return found.node;
  }

  function show(units, now) {
    last = [units, now];
    setAttribute(drawing, "viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
    const k = unitsPerPixel();
    const wanted = `${k} ${units.length} ${units.map((unit) => unit.id).join()}`;
    let nowhere = null;
    if (wanted !== members) {
      members = wanted;
      const gathered = gather(units, 30 * k);
      clusters = gathered.clusters;
      nowhere = gathered.lost;
      const keys = new Set(clusters.map((one) => one.key));
      for (const key of nodes.keys()) if (!keys.has(key)) nodes.delete(key);
      if (!keys.has(chosen)) chosen = null;
      for (const one of labels) one.place(k);
      setText(lost, nowhere.length ? t("map.nowhere", { n: number(nowhere.length) }) : "");
      lost.hidden = nowhere.length === 0;
    }
    // The gravest are drawn last, on top.
    const drawn = clusters.map((cluster) => [drawMark(cluster, k), cluster.sum.rank]);
    // Keyboard order follows the drawing, and must not jump each second: only a new picture is put in order anew.
    if (nowhere !== null) arrange(marks, drawn.sort((a, b) => b[1] - a[1]).map(([node]) => node));
    zoomOut.disabled = view.w >= WHOLE.w;
    zoomIn.disabled = view.w <= WHOLE.w / MOST_ZOOM;
    panel.show(clusters.find((one) => one.key === chosen) ?? null, now, view.w > WHOLE.w / MOST_ZOOM);
  }

  new ResizeObserver(() => last && show(...last)).observe(drawing);
  return { show };
}

function legend() {
  const parts = ["critical", "attention", "unknown", "calm"].map((tone) =>
    h("li", { "data-tone": tone }, svg("svg", { viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true" }, svg("path", { class: "shape", d: SHAPES[tone] })), t(`map.tone.${tone}`)),
  );
  return h("ul", { class: "legend" }, parts);
}
