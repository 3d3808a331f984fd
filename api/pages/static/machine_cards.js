// Every signal of a machine, on demand: lamps for what is on or off, a gauge for each value, totals as figures.

import { bar } from "./bar.js";
import { h, setAttribute, setText } from "./dom.js";
import { t, word } from "./language.js";
import { fullName, works } from "./machines.js";
import { reading } from "./reading.js";
import { icon } from "./states.js";

const ON = "M4 2.5l9 5.5-9 5.5z";
const OFF = "M4 4h8v8H4z";
const FAULT = "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1";

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

/** The card of one machine; `close` is called when it is no longer wanted. */
function machineCard({ unit, machine, openTrend, close }) {
  const lamps = h("div", { class: "lamps" });
  const rows = h("div", { class: "rows" });
  const parts = machine.signals.map((signal) => {
    const ref = `${machine.id}.${signal.name}`;
    let part;
    if (signal.kind === "digital") part = lamp(signal);
    else if (signal.kind === "totaliser") part = total(signal);
    else {
      const target = ref === unit.roles?.flow ? unit.target_tph : null;
      part = bar({ name: word("signal", signal.name), label: fullName(machine, signal), signal, target, open: () => openTrend(ref) });
    }
    (signal.kind === "digital" ? lamps : rows).append(part.node);
    return { ref, signal, part };
  });
  const node = h(
    "article",
    { class: "machine panel", tabindex: "-1", "data-machine": machine.id, "data-class": machine.class },
    h("header", {}, h("h3", {}, machine.shown), h("span", { class: "space" }), lamps, h("button", { type: "button", class: "button plain close", "aria-label": t("machine.close", { name: machine.shown }), onclick: close }, "×")),
    rows,
  );
  return {
    node,
    show({ signals, now, trusted, state }) {
      for (const { ref, signal, part } of parts) part.show(reading({ signal, told: signals[ref], now, trusted, working: works(machine, signal, signals, state) }));
    },
  };
}

/** Bring a card into sight, and the keyboard to it. */
function reveal(node) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  node.focus({ preventScroll: true });
}

/**
 * The cards in `place`. `every` is the button that says whether all are open; `draw()` fills what is new,
 * `back(id)` goes back to the machine whose card was closed.
 */
export function machineCards({ unit, place, every, openTrend, draw, back }) {
  const cards = new Map();

  function arranged() {
    place.replaceChildren(...unit.machines.filter((one) => cards.has(one.id)).map((one) => cards.get(one.id).node));
    setAttribute(every, "aria-pressed", String(cards.size === unit.machines.length));
    draw();
  }

  function add(id) {
    if (cards.has(id)) return;
    const machine = unit.machines.find((one) => one.id === id);
    const close = () => {
      cards.delete(id);
      arranged();
      back(id);
    };
    cards.set(id, machineCard({ unit, machine, openTrend, close }));
  }

  return {
    /** Open one; without an id all of them, or none where all are open. */
    open(id) {
      if (id) add(id);
      else if (cards.size === unit.machines.length) cards.clear();
      else unit.machines.forEach((one) => add(one.id));
      arranged();
      if (id) reveal(cards.get(id).node);
    },
    show: (told) => cards.forEach((card) => card.show(told)),
  };
}
