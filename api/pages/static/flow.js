// Where the lines between the tiles of a mimic run: orthogonal, through the channels between the lines of tiles.
//
// Everything is said in (u, v): u along the flow, v across it. Tiles in lines of several: u is x; tiles one below
// another: u is y. x counts from where the language begins, so a page from right to left is only mirrored at the end.

const GUTTER = 9;
const STAGGER = 0.07; // of a tile's length: docks above and below each other do not look like one line
const APART = 8; // between lines that share a channel's lane, before the next lane is taken

/** Put tiles into (u, v): `tiles` = [{ id, x, y, width, height }], x from the beginning of the line. */
function placed(tiles, upright) {
  const boxes = new Map();
  let line = -1;
  let last = null;
  for (const { id, x, y, width, height } of tiles) {
    const [u, v, long, wide] = upright ? [y, x, height, width] : [x, y, width, height];
    if (last === null || (!upright && v > last.v + 1)) line += 1;
    last = { id, line, order: boxes.size, u, v, u1: u + long, v1: v + wide };
    boxes.set(id, last);
  }
  return boxes;
}

/** Channel n lies before line n: its bounds in v. */
function channelsOf(boxes, edge) {
  const lines = [];
  for (const { line, v, v1 } of boxes.values()) {
    lines[line] ??= { v, v1 };
    lines[line].v1 = Math.max(lines[line].v1, v1);
  }
  return [...lines, null].map((line, n) => [n === 0 ? 0 : lines[n - 1].v1, line ? line.v : edge]);
}

/** How a stream goes: straight, or out of a side, along one or two channels, into a side. */
function courseOf(a, b, upright) {
  const back = b.order < a.order;
  if (!back && a.line === b.line && b.order === a.order + 1) return { straight: true, back };
  if (a.line === b.line) {
    // Forward past others on one side, back on the other, so that the two are told apart.
    const after = upright ? !back : back;
    const side = after ? "after" : "before";
    return { back, out: side, into: side, from: a.line + after, to: a.line + after };
  }
  return back ? { back, out: "before", into: "after", from: a.line, to: b.line + 1 } : { back, out: "after", into: "before", from: a.line + 1, to: b.line };
}

/** Give every line on a side of a tile its own place, ordered by where it goes. */
function dockAll(routes, boxes) {
  const docks = new Map();
  for (const route of routes) {
    if (route.straight) continue;
    for (const [end, side, other] of [["a", route.out, route.b], ["b", route.into, route.a]]) {
      const key = `${route[end].id} ${side}`;
      if (!docks.has(key)) docks.set(key, []);
      docks.get(key).push({ route, end, towards: (other.u + other.u1) / 2 });
    }
  }
  for (const [key, ends] of docks) {
    const box = boxes.get(key.slice(0, key.lastIndexOf(" ")));
    const stagger = key.endsWith("after") ? -STAGGER : STAGGER;
    ends.sort((one, two) => one.towards - two.towards);
    ends.forEach(({ route, end }, n) => {
      route[`${end}u`] = box.u + (box.u1 - box.u) * ((n + 1) / (ends.length + 1) + stagger);
    });
  }
}

/** Side by side in each channel: lines that would lie on each other get lanes of their own. */
function laneAll(routes, channels, most) {
  const runs = channels.map(() => []);
  for (const route of routes) {
    if (route.straight) continue;
    if (route.from === route.to) runs[route.from].push({ route, end: "both", low: Math.min(route.au, route.bu), high: Math.max(route.au, route.bu) });
    else {
      route.gutter = route.au + route.bu > most ? most - GUTTER / 2 : GUTTER / 2;
      runs[route.from].push({ route, end: "a", low: Math.min(route.au, route.gutter), high: Math.max(route.au, route.gutter) });
      runs[route.to].push({ route, end: "b", low: Math.min(route.bu, route.gutter), high: Math.max(route.bu, route.gutter) });
    }
  }
  runs.forEach((here, n) => {
    const lanes = [];
    for (const run of here.sort((one, two) => one.low - two.low)) {
      let lane = lanes.findIndex((end) => end + APART < run.low);
      if (lane < 0) lane = lanes.length;
      lanes[lane] = run.high;
      run.lane = lane;
    }
    const [low, high] = channels[n];
    for (const { route, end, lane } of here) {
      const v = low + ((high - low) * (lane + 1)) / (lanes.length + 1);
      if (end !== "b") route.av = v;
      if (end !== "a") route.bv = v;
    }
  });
}

function pointsOf(route, port) {
  const { a, b } = route;
  if (route.straight) return [[a.u1, a.v + port], [b.u, a.v + port]];
  const start = [route.au, route.out === "after" ? a.v1 : a.v];
  const end = [route.bu, route.into === "after" ? b.v1 : b.v];
  if (route.from === route.to) return [start, [route.au, route.av], [route.bu, route.av], end];
  return [start, [route.au, route.av], [route.gutter, route.av], [route.gutter, route.bv], [route.bu, route.bv], end];
}

/**
 * Lines for `streams` ([{ from, to }]) between `tiles`, within `width` by `height`: one for each stream, in order,
 * { points: [[x, y], ...], back, label: { x, y, along } } or null where an end is not among the tiles.
 * `along`: which way a name is written there. `port`: how far from a tile's edge straight lines run.
 */
export function linesOf({ tiles, streams, width, height, port }) {
  const upright = tiles.length > 1 && tiles.every((tile) => Math.abs(tile.x - tiles[0].x) < 1);
  const boxes = placed(tiles, upright);
  const channels = channelsOf(boxes, upright ? width : height);
  const routes = streams.map(({ from, to }) => {
    const [a, b] = [boxes.get(from), boxes.get(to)];
    return a && b ? { a, b, ...courseOf(a, b, upright) } : null;
  });
  const there = routes.filter(Boolean);
  dockAll(there, boxes);
  laneAll(there, channels, upright ? height : width);
  return routes.map((route) => {
    if (!route) return null;
    const points = pointsOf(route, upright ? (route.a.v1 - route.a.v) / 2 : port);
    const n = route.straight ? 0 : 1;
    const [u, v] = [(points[n][0] + points[n + 1][0]) / 2, points[n][1]];
    const turned = ([one, two]) => (upright ? [two, one] : [one, two]);
    const [x, y] = turned([u, v]);
    return { points: points.map(turned), back: route.back, label: { x, y, along: upright === Boolean(route.straight) ? "x" : "y" } };
  });
}

/** Path data of a line and of the arrowhead at its end. */
export function drawn(points, size) {
  const round = (value) => Math.round(value * 10) / 10;
  const [x, y] = points.at(-1);
  const [px, py] = points.at(-2);
  const long = Math.hypot(x - px, y - py) || 1;
  const [dx, dy] = [((x - px) / long) * size, ((y - py) / long) * size];
  const neck = [x - dx, y - dy];
  const line = [...points.slice(0, -1), neck].map(([a, b], n) => `${n ? "L" : "M"}${round(a)} ${round(b)}`).join("");
  return { line, tip: `M${round(x)} ${round(y)}L${round(neck[0] - dy * 0.55)} ${round(neck[1] + dx * 0.55)}L${round(neck[0] + dy * 0.55)} ${round(neck[1] - dx * 0.55)}Z` };
}
