// What an alert is called, and what is said of it: the same on the unit's page, in the list and on its own page.

import { h, setAttribute, setText } from "./dom.js";
import { instant, moment, number, percent, span } from "./format.js";
import { join, language, t, word } from "./language.js";
import { icon, reasonWord } from "./states.js";

const PRIORITIES = ["high", "medium", "low"];
const PRIORITY_ICON = { high: "M8 2l6.5 12h-13zM8 6.5v3.2M8 11.9v.1", medium: "M8 2l6 6-6 6-6-6zM8 5.5v3M8 10.6v.1", low: "M8 2a6 6 0 1 0 .01 0zM8 7.5v4M8 4.8v.1" };
// What waits for somebody comes first.
const ORDER = { UNACK: 0, RTNUN: 1, ACKED: 2, SHLVD: 3, NORM: 4 };
const LEAST_TONNES = 0.05;
const SHELVED = /^shelved for (\d+) min: ([\s\S]*)$/;

export const isOpen = (alert) => alert.state !== "NORM";
export const isUntaken = (alert) => alert.state === "UNACK" || alert.state === "RTNUN";
export const gravity = (alert) => PRIORITIES.length - PRIORITIES.indexOf(alert.priority);

/** Not taken before taken, then the graver, then the newer. */
export function byUrgency(a, b) {
  return (ORDER[a.state] ?? 5) - (ORDER[b.state] ?? 5) || gravity(b) - gravity(a) || instant(b.raised_at) - instant(a.raised_at) || b.id - a.id;
}

/** What is in a unit's place where the alert is about orewatch itself. */
export const OWN = "orewatch";
export const isOwn = (alert) => alert.unit === OWN;

/** What stands in a unit's place, in words. */
export const unitWord = (unit) => (unit === OWN ? t("app.name") : unit);

/** Show which unit it is about; orewatch itself has no page to go to. */
export function showUnit(link, alert) {
  setText(link, unitWord(alert.unit));
  setAttribute(link, "href", isOwn(alert) ? null : `/units/${encodeURIComponent(alert.unit)}`);
}

export const kindWord = (alert) => word("kind", alert.kind);

/** Fill `node` with the mark of a priority: a shape of its own, and the word for those who hear it. */
export function showPriority(node, priority) {
  if (node.dataset.priority === priority) return;
  node.dataset.priority = priority;
  node.replaceChildren(icon(PRIORITY_ICON[priority] ?? PRIORITY_ICON.low), h("span", { class: "unseen" }, word("priority", priority)));
}

/** The figures that were decided on, in words; empty where there are none. */
export function figuresOf(alert) {
  const { mean_tph: mean, target_tph: target } = alert.figures ?? {};
  return typeof mean === "number" && target > 0 ? t("alert.mean", { mean: number(mean, 1), share: percent(mean / target), target: number(target, 1) }) : "";
}

/** Why, and by how much. What and since when stand beside it. */
export function sentenceOf(alert) {
  if (isOwn(alert)) return alert.text?.[language] ?? "";
  return join(reasonWord(alert.reason), figuresOf(alert)) || (alert.text?.[language] ?? "");
}

/** How long it lasted, or lasts; in ms. */
export function lasting(alert, now) {
  const cleared = instant(alert.cleared_at);
  return (Number.isFinite(cleared) ? cleared : now) - instant(alert.onset_at);
}

/** "9.2 t lost", or nothing where that is not known or too little to tell. */
export function lostOf(alert) {
  return alert.tonnes_lost !== null && alert.tonnes_lost >= LEAST_TONNES ? t("alert.lost", { n: number(alert.tonnes_lost, 1) }) : "";
}

/** Who took it, and when; until when it is silenced. */
export function takenOf(alert, now) {
  if (alert.state === "SHLVD") return t("alert.shelved", { moment: moment(instant(alert.shelved_until), now) });
  return alert.acknowledged_by ? t("alert.acknowledged", { who: alert.acknowledged_by, moment: moment(instant(alert.acknowledged_at), now) }) : "";
}

/** Times, tonnes and who, as short phrases. */
export function factsOf(alert, now) {
  const cleared = instant(alert.cleared_at);
  return [
    t("alert.onset", { moment: moment(instant(alert.onset_at), now) }),
    Number.isFinite(cleared) && t("alert.cleared", { moment: moment(cleared, now) }),
    t("alert.lasts", { span: span(lasting(alert, now)) }),
    lostOf(alert),
    alert.historical && t("alert.historical"),
    takenOf(alert, now),
  ].filter(Boolean);
}

/** A note as people read it; what the service itself wrote down has words of ours. */
export function noteText(note) {
  const shelved = SHELVED.exec(note.text);
  if (shelved) return t("alert.note.shelved", { span: span(Number(shelved[1]) * 60_000), why: shelved[2] });
  return note.text === "unshelved" ? t("alert.note.unshelved") : note.text;
}
