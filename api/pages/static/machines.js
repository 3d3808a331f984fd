// The machines of a unit: what each is called, and whether it does its work.

import { language, t, word } from "./language.js";

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
