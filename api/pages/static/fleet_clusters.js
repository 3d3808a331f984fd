// Units that lie on top of each other on the map become one mark.

const WEST = 44;
const NORTH = 39.9;
const SCALE = 50;
// A degree of longitude is this much shorter than one of latitude, in the middle of the country.
const SQUEEZE = Math.cos((32.5 * Math.PI) / 180);

/** The whole map in its own units. */
export const WHOLE = { x: -12, y: -12, w: 19.5 * SQUEEZE * SCALE + 24, h: 15.3 * SCALE + 24 };

export const project = (longitude, latitude) => [(longitude - WEST) * SQUEEZE * SCALE, (NORTH - latitude) * SCALE];

/** Where a unit lies on the map, or null where that is not known, or not in this part of the world. */
export function placeOf(unit) {
  if (unit.latitude === null || unit.longitude === null) return null;
  const [x, y] = project(unit.longitude, unit.latitude);
  return x >= WHOLE.x && x <= WHOLE.x + WHOLE.w && y >= WHOLE.y && y <= WHOLE.y + WHOLE.h ? [x, y] : null;
}

/** Gather units closer than `reach` (in the map's units): { clusters: [{ key, x, y, units }], lost: units nowhere on it }. */
export function gather(units, reach) {
  const cells = new Map();
  const lost = [];
  for (const unit of units) {
    const at = placeOf(unit);
    if (at === null) {
      lost.push(unit);
      continue;
    }
    const cell = `${Math.floor(at[0] / reach)} ${Math.floor(at[1] / reach)}`;
    let found = cells.get(cell);
    if (!found) cells.set(cell, (found = { x: 0, y: 0, units: [] }));
    const n = found.units.push(unit);
    found.x += (at[0] - found.x) / n;
    found.y += (at[1] - found.y) / n;
  }
  const clusters = [];
  // Cells cut what lies across their edges; the larger one takes in what still touches it.
  for (const cell of [...cells.values()].sort((a, b) => b.units.length - a.units.length)) {
    const near = clusters.find((one) => Math.hypot(one.x - cell.x, one.y - cell.y) < reach);
    if (near) near.units.push(...cell.units);
    else clusters.push(cell);
  }
  for (const one of clusters) one.key = one.units.reduce((least, unit) => (unit.id < least ? unit.id : least), one.units[0].id);
  return { clusters, lost };
}
