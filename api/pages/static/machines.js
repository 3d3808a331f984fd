// The machines of a unit: what each is called, what it looks like, and whether it does its work.

import { svg } from "./dom.js";
import { language, word } from "./language.js";

// Drawings of our own on a grid of 48 by 32, the ore coming from the left.
const CRUSHER_FEET = "M10 29h28";
const DRAWINGS = {
  feeder: "M8 3h30l-7 12H15zM10 19l30 4M15 21.5a3 3 0 1 0 .01 0zM34 24a3 3 0 1 0 .01 0z",
  jaw_crusher: `M10 3v22h9L14 3zM38 5l-7 20h-5L33 5zM36 7a4 4 0 1 0 .01 0zM20 6l4 3M19 12l4 2M21 18l2 1${CRUSHER_FEET}`,
  impact_crusher: `M8 27V9l9-6h23v24M26 10a6.5 6.5 0 1 0 .01 0zM26 10V6M26 23v4M19.5 16.5h-4M32.5 16.5h4${CRUSHER_FEET}`,
  cone_crusher: `M8 3l8 17M40 3l-8 17M24 6l9 16H15zM24 22v7${CRUSHER_FEET}`,
  screen: "M5 5l38 7v9L5 14zM5 9.5l38 7M14 21v2M14 26v2M22 22.5v2M22 27.5v2M30 24v2M30 29v1",
  conveyor: "M8 18L38 5M11 27L41 14M9.5 18a4.6 4.6 0 1 0 .01 0zM39.5 5a4.6 4.6 0 1 0 .01 0zM18 12l4-6 5 2",
  belt_scale: "M7 7h34a4 4 0 0 1 0 8H7a4 4 0 0 1 0-8zM24 15l8 13H16zM24 22v2",
  ball_mill: "M10 5h28v21H10zM10 12H3v7h7M38 12h7v7h-7M16 18a2.6 2.6 0 1 0 .01 0zM22.5 19.5a2.6 2.6 0 1 0 .01 0zM29 18.5a2.6 2.6 0 1 0 .01 0z",
  cyclone: "M14 8h20v6l-8.5 15h-3L14 14zM20 8V3h9M14 11H5",
  flotation_bank: "M5 10h38v18H5zM17.5 10v18M30.5 10v18M6 7q2.5-4 5 0t5 0 5 0 5 0 5 0 5 0 5 0M11 17v7M24 17v7M37 17v7",
  thickener: "M4 9h40v6L27 26h-6L4 15zM24 3v17M11 14l13 6 13-6M15 3h18",
  filter: "M4 4v25M44 4v25M4 8h40M10 8v18M16 8v18M22 8v18M28 8v18M34 8v18M38 8v18M4 29h6M38 29h6",
  jig: "M5 5h38v10L34 28h-4l-6-12-6 12h-4L5 15zM24 5v11M9 10q2.5-3 5 0t5 0M28 10q2.5-3 5 0t5 0",
  magnetic_separator: "M24 6a10 10 0 1 0 .01 0zM16.5 16a7.5 7.5 0 0 0 15 0zM4 4l12 5M12 24l-6 5M36 24l6 5",
  washer: "M4 19L37 4l7 9L11 29zM10 23l30-14.5M14 16l5 7M21 13l5 7M28 9.5l5 7M9 5v4M15 3v4",
  genset: "M4 11h26v15H4zM30 14h13v9H30zM9 11V6h9v5M18 13l-5 6h7l-4 5M34 23v5M40 23v5",
};
const UNKNOWN = "M9 6h30v20H9zM17 16h14";

export const glyph = (cls) => svg("svg", { class: "glyph", viewBox: "0 0 48 32", "aria-hidden": "true" }, svg("path", { d: DRAWINGS[cls] ?? UNKNOWN }));

const PRODUCING = new Set(["RUNNING", "UNDERPERFORMING"]);

const titleOf = (machine) => machine.title?.[language] ?? machine.title?.en ?? machine.id;

const ELEMENTS = { pb: "lead", zn: "zinc", mn: "manganese", cu: "copper", fe: "iron" };

/** Give every machine the name it is shown by; two of a kind are told apart by their product, or else their ids. */
export function nameMachines(machines) {
  const titles = machines.map(titleOf);
  machines.forEach((machine, i) => {
    const twins = titles.filter((title) => title === titles[i]).length > 1;
    const product = ELEMENTS[machine.id.split(/[_-]/).at(-1)];
    machine.shown = twins ? `${titles[i]} (${product ? word("mineral", product) : machine.id})` : titles[i];
  });
}

/** "Jaw crusher · Bearing temperature": the name of a signal where its machine is not in sight. */
export const fullName = (machine, signal) => `${machine.shown} – ${word("signal", signal.name)}`;

/** Whether a machine does its work, so that a low value of the signal means something. */
export function works(machine, signal, signals, state) {
  if (signal.name === "level") return true;
  // An engine that idles with its plant carries little load: that is no fault of the engine.
  if (signal.name === "power" && !PRODUCING.has(state)) return false;
  const running = machine.signals.find((signal) => signal.name === "running");
  const told = running && signals[`${machine.id}.running`];
  if (told) return told[0] >= 0.5;
  return PRODUCING.has(state);
}
