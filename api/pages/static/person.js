// Who sits here. Kept in this browser, for it goes with everything that person says.

const KEY = "orewatch.name";
const MOST = 80;

let kept = "";

export function personName() {
  try {
    return localStorage.getItem(KEY) ?? kept;
  } catch {
    return kept; // storage may be forbidden: asked again on the next page, then
  }
}

export function keepPersonName(name) {
  kept = name.trim().slice(0, MOST);
  try {
    localStorage.setItem(KEY, kept);
  } catch {
    // see above
  }
}
