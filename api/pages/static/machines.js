// The machines of a unit in the order the ore flows: lamps for what is on or off, a gauge for each value.

import { bar } from "./bar.js";
import { h, setAttribute, setText } from "./dom.js";
import { number } from "./format.js";
import { language, t, word } from "./language.js";
import { reading } from "./reading.js";
import { icon } from "./states.js";

const ON = "M4 2.5l9 5.5-9 5.5z";
const OFF = "M4 4h8v8H4z";
const FAULT = "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1";
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

function lamp(signal) {
  const good = signal.name === "running";
  const text = h("span", {});
  const node = h("span", { class: "lamp-chip" }, icon(good ? OFF : FAULT), text);
  return {
    node,
    show(read) {
      const on = read.value === null ? null : read.value >= 0.5;
      const state = read.trust === "good" || read.trust === "stale" ? on : null;
      setAttribute(node, "data-on", state === null ? "unknown" : String(state));
      setAttribute(node, "data-kind", good ? "run" : "fault");
      if (good) setAttribute(node.firstChild.firstChild, "d", state ? ON : OFF);
      const name = word("signal", signal.name);
      setText(text, good && state === false ? t("digital.stopped") : name);
      setAttribute(node, "title", `${name}: ${state === null ? t("not-known") : t(state ? "digital.on" : "digital.off")}`);
    },
  };
}

function total(signal) {
  const value = h("span", { class: "value" });
  const unit = h("span", { class: "unit" });
  const remark = h("span", { class: "remark" });
  const age = h("span", { class: "age" });
  const node = h("div", { class: "bar total" }, h("span", { class: "name" }, word("signal", signal.name), remark), h("span", {}, h("span", { class: "amount" }, value, unit), age));
  return {
    node,
    show(read) {
      setText(value, read.text);
      setText(unit, read.unit);
      setText(remark, read.remark);
      setText(age, read.age);
      setAttribute(node, "data-trust", read.trust);
    },
  };
}

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

export function machineCards({ unit, openTrend }) {
  const parts = [];
  const nodes = unit.machines.map((machine, place) => {
    const lamps = h("div", { class: "lamps" });
    const rows = h("div", { class: "rows" });
    for (const signal of machine.signals) {
      const ref = `${machine.id}.${signal.name}`;
      let part;
      if (signal.kind === "digital") part = lamp(signal);
      else if (signal.kind === "totaliser") part = total(signal);
      else {
        part = bar({
          name: word("signal", signal.name),
          label: fullName(machine, signal),
          signal,
          target: ref === unit.roles?.flow ? unit.target_tph : null,
          open: () => openTrend(ref),
        });
      }
      (signal.kind === "digital" ? lamps : rows).append(part.node);
      parts.push({ ref, machine, signal, part });
    }
    return h(
      "article",
      { class: "machine panel", "data-machine": machine.id, "data-class": machine.class },
      h("header", {}, h("span", { class: "place", "aria-hidden": "true" }, number(place + 1)), h("h3", {}, machine.shown), h("span", { class: "space" }), lamps),
      rows,
    );
  });
  return {
    nodes,
    show({ signals, now, trusted, state }) {
      for (const { ref, machine, signal, part } of parts) {
        part.show(reading({ signal, told: signals[ref], now, trusted, working: works(machine, signal, signals, state) }));
      }
    },
  };
}
