// The states of a unit: how grave, which icon. The colour is never alone: icon and word go with it.
// A stop that the operators gave a reason for is PLANNED_STOP to the time account; to people it is that reason.

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
  ["CODED_STOP", "attention", "M3 3h10v10H3zM5.5 8.2l1.8 1.8 3.4-3.8"],
  ["UNDERPERFORMING", "attention", "M2 4l4.5 4.5 2.5-2.5L14 11.5M14 7.5v4h-4"],
  ["CLOCK_BAD", "unknown", "M8 2a6 6 0 1 0 .01 0zM8 4.8V8l2.4 1.6"],
  ["STARTUP", "calm", "M3 10l5-5 5 5M3 14l5-5 5 5"],
  ["PLANNED_STOP", "calm", "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2v3M10.5 2v3"],
  ["RUNNING", "calm", "M4 2.5l9 5.5-9 5.5z"],
];
const UNKNOWN = { rank: 5.5, tone: "unknown", icon: "M6 6c0-2.7 4-2.7 4-.2C10 7.8 8 7.6 8 9.5M8 12.4v.1" };

const STATES = new Map(TABLE.map(([name, tone, icon], rank) => [name, { rank, tone, icon }]));

const CODED = "CODED_STOP";

/** The states as the service names them. */
export const STATE_NAMES = TABLE.map(([name]) => name).filter((name) => name !== CODED);

/** How a state is shown: { name, rank, tone, icon }; `name` is what the colours go by. */
export function stateOf(state, reason = null) {
  const name = state === "PLANNED_STOP" && reason === "coded" ? CODED : state;
  return { name, ...(STATES.get(name) ?? UNKNOWN) };
}

export const isTrouble = (state, reason) => stateOf(state, reason).tone !== "calm";

/** The word of a state; of a stop with a reason the reason itself, where it is known. */
export function stateWord(state, reason = null, code = null) {
  if (stateOf(state, reason).name !== CODED) return word("state", state);
  return code ? word("code", code) : word("reason", "coded");
}

export function icon(path, className = "icon") {
  return svg("svg", { class: className, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, svg("path", { d: path }));
}

export const stateIcon = (state, reason) => icon(stateOf(state, reason).icon);

/** A badge of icon and word; `show(state, reason, code)` changes it. */
export function stateBadge(className = "badge") {
  const path = svg("path", {});
  const text = h("span", {});
  const node = h("span", { class: className }, svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path), text);
  return {
    node,
    show(state, reason = null, code = null) {
      const shown = stateOf(state, reason);
      setAttribute(node, "data-state", shown.name);
      setAttribute(node, "data-tone", shown.tone);
      setAttribute(path, "d", shown.icon);
      setText(text, stateWord(state, reason, code));
    },
  };
}

/** Why a unit is in its state: the operators' code where there is one; what goes without saying is left out. */
export function reasonWord(reason, code = null) {
  if (!reason || reason === "none" || reason === "producing" || reason === "coded") return "";
  if (code) return word("code", code);
  const state = reason.toUpperCase();
  return STATES.has(state) ? stateWord(state) : word("reason", reason);
}
