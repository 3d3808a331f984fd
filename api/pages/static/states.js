// The states of a unit: how grave, which icon. The colour is never alone: icon and word go with it.

import { h, setAttribute, setText, svg } from "./dom.js";
import { word } from "./language.js";

// Gravest first: this is the order of the fleet page. Tones: see tokens.css. Icons on a 16 by 16 grid.
const TABLE = [
  ["BREAKDOWN", "critical", "M3 3l10 10M13 3L3 13"],
  ["BLOCKED", "critical", "M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2zM5 8h6"],
  ["COMMS_LOSS", "unknown", "M2 6a9 9 0 0 1 12 0M4.5 9a5.3 5.3 0 0 1 7 0M8 12.5v.1M2.5 13.5l11-11"],
  ["STARVED", "attention", "M2 3h12L10 9v4H6V9zM5 12.9l6-9.8"],
  ["IDLE", "attention", "M5.5 3v10M10.5 3v10"],
  ["STOPPED_UNCODED", "attention", "M3 3h10v10H3zM6.3 6.6C6.5 4.6 9.6 4.8 9.5 6.7 9.4 8 8 8 8 9.2M8 11.1v.1"],
  ["UNDERPERFORMING", "attention", "M2 4l4.5 4.5 2.5-2.5L14 11.5M14 7.5v4h-4"],
  ["CLOCK_BAD", "unknown", "M8 2a6 6 0 1 0 .01 0zM8 4.8V8l2.4 1.6"],
  ["STARTUP", "calm", "M3 10l5-5 5 5M3 14l5-5 5 5"],
  ["PLANNED_STOP", "calm", "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2v3M10.5 2v3"],
  ["RUNNING", "calm", "M4 2.5l9 5.5-9 5.5z"],
];
const UNKNOWN = { rank: 5.5, tone: "unknown", icon: "M6 6c0-2.7 4-2.7 4-.2C10 7.8 8 7.6 8 9.5M8 12.4v.1" };

const STATES = new Map(TABLE.map(([name, tone, icon], rank) => [name, { rank, tone, icon }]));

export const STATE_NAMES = TABLE.map(([name]) => name);
export const stateOf = (name) => STATES.get(name) ?? UNKNOWN;
export const isTrouble = (name) => stateOf(name).tone !== "calm";
export const stateWord = (name) => word("state", name);

export function icon(path, className = "icon") {
  return svg("svg", { class: className, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, svg("path", { d: path }));
}

export const stateIcon = (name) => icon(stateOf(name).icon);

/** A badge of icon and word; `show(name)` changes it. */
export function stateBadge(className = "badge") {
  const path = svg("path", {});
  const text = h("span", {});
  const node = h("span", { class: className }, svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path), text);
  return {
    node,
    show(name) {
      const state = stateOf(name);
      setAttribute(node, "data-state", name);
      setAttribute(node, "data-tone", state.tone);
      setAttribute(path, "d", state.icon);
      setText(text, stateWord(name));
    },
  };
}

/** Why a unit is in its state; what goes without saying is left out. */
export function reasonWord(reason) {
  if (!reason || reason === "none" || reason === "producing") return "";
  const state = reason.toUpperCase();
  return STATES.has(state) ? stateWord(state) : word("reason", reason);
}
