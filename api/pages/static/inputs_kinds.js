// What can be entered: the fields of each kind, what cannot be, and what is in force. The service has the same rules
// and the last word; these tell before anything is sent.

import { instant, moment, number } from "./format.js";
import { choiceField, momentField, numberField, textField } from "./inputs_fields.js";
import { join, language, t, word } from "./language.js";
import { figure, isolated, planned, spanOf, titleOf, what } from "./said.js";

export const KINDS = ["stops", "plans", "ore", "targets", "assays", "scale-epochs"];

const AHEAD_MS = 60_000; // the service allows a question that much before its own clock
const MOST_NOTE = 2000;
const PERCENT = { least: 0, most: 100 };

const percentField = (name, label, { bounds = PERCENT, allowed = t("allowed.percent"), ...rest }) =>
  numberField({ name, label, bounds, allowed, unit: word("ucum", "%"), ...rest });

/** Samples of a shift come when it is over: in its first hour the last one's start is the better guess. */
function sampledFrom(shift, now) {
  if (!shift) return NaN;
  const [start, end] = [instant(shift.start), instant(shift.end)];
  return now - start < 3_600_000 ? start - (end - start) : start;
}

/** `told()`: the answer of /inputs; `changed()`: called while figures are typed. */
export function fieldsOf(kind, { now, told, changed }) {
  const from = (more = {}) => momentField({ name: "from", label: t("field.from"), now, ...more });
  const note = textField({ name: "note", label: t("field.note"), most: MOST_NOTE, long: true });
  const effects = (one) => (one.effect === "planned" ? t("stops.planned", { title: one.title[language] }) : one.title[language]);
  switch (kind) {
    case "stops":
      return [
        choiceField({ name: "code", label: t("field.code"), choices: () => (told()?.reasons ?? []).map((one) => ({ value: one.code, title: effects(one) })) }),
        from({ ahead: true }),
        momentField({ name: "to", label: t("field.to"), now, ahead: true, open: t("stops.open") }),
        note,
      ];
    case "ore":
      return [
        from(),
        textField({ name: "ore", label: t("field.ore"), most: 40, required: true, suggestions: () => told()?.ores ?? [] }),
        percentField("moisture_pct", t("field.moisture"), { bounds: { ...PERCENT, below: true }, allowed: t("allowed.moisture"), required: true, hint: t("hint.moisture") }),
        note,
      ];
    case "targets":
      return [
        from(),
        numberField({ name: "tph", label: t("field.tph"), bounds: { least: 0, above: true, most: 10_000 }, allowed: t("allowed.tph"), unit: word("ucum", "t/h"), required: true, hint: t("hint.dry") }),
        textField({ name: "ore", label: t("field.target-ore"), most: 40, suggestions: () => told()?.ores ?? [], hint: t("hint.any-ore") }),
        note,
      ];
    case "assays":
      return [
        choiceField({ name: "element", label: t("field.element"), choices: () => (told()?.elements ?? []).map((one) => ({ value: one, title: one })) }),
        from({ value: () => sampledFrom(told()?.shift, now()) }),
        momentField({ name: "to", label: t("field.to"), now }),
        percentField("feed", t("field.feed"), { required: true, input: changed }),
        percentField("concentrate", t("field.concentrate"), { input: changed }),
        percentField("tailings", t("field.tailings"), { input: changed }),
        textField({ name: "laboratory", label: t("field.laboratory"), most: 80, required: true }),
        note,
      ];
    default: {
      const drift = { bounds: { least: -100, most: 100 }, allowed: t("allowed.drift") };
      return [
        from(),
        percentField("zero_drift_pct", t("field.zero"), { ...drift, hint: t("hint.as-found") }),
        percentField("span_error_pct", t("field.span"), { ...drift, hint: t("hint.as-found") }),
        note,
      ];
    }
  }
}

function grades({ feed, concentrate, tailings }) {
  const known = Number.isFinite;
  if (known(concentrate) && known(feed) && !(concentrate > feed)) return { name: "concentrate", fault: t("fault.concentrate", { feed: figure(feed) }) };
  if (known(tailings) && known(feed) && !(tailings < feed)) return { name: "tailings", fault: t("fault.tailings", { feed: figure(feed) }) };
  return null;
}

/** What cannot be, beyond each field by itself: [{ name, fault }]. Times in ms. */
export function faultsOf(kind, values, { now, told }) {
  const faults = [];
  const limit = now() + AHEAD_MS;
  const foreseen = kind === "stops" && (told()?.reasons ?? []).find((one) => one.code === values.code)?.effect === "planned";
  for (const name of ["from", "to"]) {
    if (!foreseen && Number.isFinite(values[name]) && values[name] > limit) faults.push({ name, fault: t(kind === "stops" ? "fault.future.stop" : "fault.future") });
  }
  if (foreseen && values.from > limit && values.to === null) faults.push({ name: "to", fault: t("refused.open") });
  if (Number.isFinite(values.to) && values.to <= values.from && !faults.length) faults.push({ name: "to", fault: t("refused.order") });
  if (kind === "assays") faults.push(...[grades(values)].filter(Boolean));
  return faults;
}

/** What is said of figures while they are typed: { text, good }, or null. */
export function remarkOn(kind, values) {
  if (kind !== "assays" || !Number.isFinite(values.feed)) return null;
  const fault = grades(values);
  if (fault) return { text: fault.fault, good: false };
  const whole = Number.isFinite(values.concentrate) && Number.isFinite(values.tailings);
  return { text: t(whole ? "assays.in-order" : "assays.incomplete"), good: whole };
}

/** Recovery as the service found it, with its error, or why there is none. */
export function recovery(entry) {
  if (entry.recovery_pct === null || entry.recovery_pct === undefined) return entry.no_figure ? t("assays.none", { why: word("figure", entry.no_figure) }) : "";
  return t("assays.recovery", { recovery: number(entry.recovery_pct, 1), sigma: number(entry.sigma_pct, 1), yield: number(entry.yield_pct, 1) });
}

/** What counts now, as { text, more }: for the head of each kind. */
export function inForce(kind, told, now) {
  const held = (entry, text = entry && what(kind, entry, told.reasons)) => (entry ? { text, more: join(spanOf(kind, entry, now), isolated(entry.by)) } : { text: t("in-force.none"), more: "" });
  switch (kind) {
    case "stops": {
      if (told.stop) return held(told.stop);
      const [next] = told.planned;
      return { text: t("stops.none"), more: next ? t("stops.next", { title: titleOf(next.code, told.reasons), moment: moment(instant(next.from), now) }) : "" };
    }
    case "plans": {
      const { plan_t: plan, number: shift, start, end } = told.shift;
      return { text: plan === null ? t("plans.none") : planned(plan), more: t("plans.shift", { shift: number(shift), from: moment(instant(start), now), to: moment(instant(end), now) }) };
    }
    case "targets":
      if (!told.target) return { text: t("said.target", { n: figure(told.target_tph) }), more: t("targets.default") };
      return held(told.target);
    case "assays":
      return held(told.assay, told.assay && join(isolated(told.assay.element), recovery(told.assay)));
    default:
      return held(kind === "ore" ? told.ore : told.scale_epoch);
  }
}
