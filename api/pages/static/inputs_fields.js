// The fields of the forms. Each reads itself: read() gives { value } or { fault } in words, show(fault) says it beside
// the field and to screen readers, set(value) fills it.

import { h, setAttribute, setText } from "./dom.js";
import { readClock, readWithin, written } from "./figures.js";
import { day, longDate, minute } from "./format.js";
import { language, t } from "./language.js";
import { figure } from "./said.js";
import { atMinute, dayKey, dayStart, daysAround, minuteOfDay } from "./tehran.js";

const FURTHEST_DAYS = 399; // the service takes 400 days
const MORE_DAYS = 90;
let made = 0;

/** A labelled control with room for its fault; `controls` are what is marked invalid. */
function field({ name, label, hint, controls, body = controls, group = false }) {
  made += 1;
  const id = `${name}-${made}`;
  const fault = h("p", { class: "field-fault", id: `${id}-fault`, hidden: true });
  const [first] = controls;
  first.id = id;
  const title = group ? h("span", { class: "field-label", id: `${id}-label` }, label) : h("label", { class: "field-label", for: id }, label);
  const note = hint && h("p", { class: "hint", id: `${id}-hint` }, hint);
  const node = h("div", { class: "form-field", "data-field": name, role: group ? "group" : null, "aria-labelledby": group ? `${id}-label` : null }, title, ...body, note, fault);
  if (note) for (const control of controls) setAttribute(control, "aria-describedby", note.id);
  return {
    name,
    node,
    focus: () => first.focus(),
    show(text, raw) {
      fault.replaceChildren(text ?? "", ...(raw ? [" ", h("bdi", { class: "raw", lang: "en", dir: "ltr" }, raw)] : []));
      fault.hidden = !text;
      for (const control of controls) {
        setAttribute(control, "aria-invalid", text ? "true" : null);
        setAttribute(control, "aria-describedby", [note?.id, text && fault.id].filter(Boolean).join(" ") || null);
      }
    },
  };
}

/** `bounds` as of readWithin, with `allowed`: what may be entered, in words. `unit`: shown with what was understood. */
export function numberField({ name, label, hint, bounds = {}, allowed, unit = "", required = false, input = () => {} }) {
  const control = h("input", { class: "field figure-field", inputmode: "decimal", autocomplete: "off", dir: "ltr", maxlength: 60 });
  const echo = h("output", { class: "echo" });
  const base = field({ name, label, hint, controls: [control], body: [h("div", { class: "field-row" }, control, echo)] });
  const read = () => {
    const got = readWithin(control.value, bounds);
    if (got.fault === "empty") return required ? { fault: t("fault.empty") } : { value: null };
    if (got.fault) return { fault: t(`fault.${got.fault}`, { allowed }) };
    return got;
  };
  const told = () => {
    const { value } = read();
    setText(echo, Number.isFinite(value) ? t("form.understood", { n: figure(value), unit }) : "");
  };
  control.addEventListener("input", () => {
    base.show(null);
    told();
    input();
  });
  const set = (value) => {
    control.value = value === null || value === undefined ? "" : written(value, language === "fa");
    told();
  };
  return { ...base, read, set, control };
}

export function textField({ name, label, hint, most, required = false, suggestions = null, long = false, autocomplete = "off" }) {
  made += 1;
  const list = suggestions && h("datalist", { id: `list-${made}` });
  const control = long ? h("textarea", { class: "field", rows: 2, maxlength: most }) : h("input", { class: "field", maxlength: most, autocomplete, dir: "auto", list: list?.id });
  const base = field({ name, label, hint, controls: [control], body: [control, list] });
  control.addEventListener("input", () => base.show(null));
  return {
    ...base,
    control,
    read() {
      const value = control.value.trim();
      if (value === "") return required ? { fault: t("fault.empty") } : { value: null };
      return { value };
    },
    set(value) {
      control.value = value ?? "";
    },
    refresh() {
      const all = suggestions?.() ?? [];
      if (!list || list.dataset.of === all.join()) return;
      list.dataset.of = all.join();
      list.replaceChildren(...all.map((one) => h("option", { value: one })));
    },
  };
}

/** One of [{ value, title }], as `choices()` gives them. */
export function choiceField({ name, label, hint, choices }) {
  const control = h("select", { class: "field" });
  const base = field({ name, label, hint, controls: [control] });
  let wanted = "";
  control.addEventListener("change", () => {
    wanted = control.value;
    base.show(null);
  });
  return {
    ...base,
    read: () => (control.value === "" ? { fault: t("fault.choose") } : { value: control.value }),
    set(value) {
      wanted = value ?? "";
      this.refresh();
    },
    refresh() {
      const all = choices();
      // What an old entry says stays sayable, though it is offered no more.
      if (wanted && !all.some((one) => one.value === wanted)) all.push({ value: wanted, title: wanted });
      const key = all.map((one) => one.value).join();
      if (control.dataset.of !== key) {
        control.dataset.of = key;
        control.replaceChildren(...(all.length > 1 ? [h("option", { value: "" }, t("form.choose"))] : []), ...all.map((one) => h("option", { value: one.value }, one.title)));
      }
      control.value = wanted || (all.length === 1 ? all[0].value : "");
    },
  };
}

function dayTitle(start, now) {
  const [yesterday, today, tomorrow] = daysAround(now, 1, 1).map(dayKey);
  const names = { [yesterday]: "day.yesterday", [today]: "day.today", [tomorrow]: "day.tomorrow" };
  const name = names[dayKey(start)];
  return name ? t(name, { day: day(start) }) : longDate(start);
}

/**
 * A time as day and HH:MM, in Tehran by the service's clock. Untouched it is `value()`, by default now, and goes with it.
 * `ahead`: days to come are offered too. `open`: a tick in words for "no time"; ticked at first.
 */
export function momentField({ name, label, now, ahead = false, open = null, value = null }) {
  const days = h("select", { class: "field", "aria-label": t("form.day", { label }) });
  const time = h("input", { class: "field time-field", inputmode: "numeric", autocomplete: "off", dir: "ltr", maxlength: 12, placeholder: t("form.time.example"), "aria-label": t("form.time", { label }) });
  const tick = open && h("input", { type: "checkbox", checked: true });
  const base = field({ name, label, group: true, controls: [days, time], body: [open && h("label", { class: "tick" }, tick, open), h("div", { class: "field-row moment-row" }, days, time)] });
  const row = days.parentElement;
  let touched = false;
  let exact = null; // what was set, seconds and all, until somebody changes it
  let before = 14;
  let after = ahead ? 30 : 0;
  let chosen = null;

  function drawDays() {
    const at = now();
    const starts = daysAround(at, before, after);
    const key = `${dayKey(at)} ${before} ${after}`;
    if (days.dataset.of === key) return;
    days.dataset.of = key;
    days.replaceChildren(
      ...(before < FURTHEST_DAYS ? [h("option", { value: "earlier" }, t("form.earlier"))] : []),
      ...starts.map((start) => h("option", { value: dayKey(start) }, dayTitle(start, at))),
      ...(ahead && after < FURTHEST_DAYS ? [h("option", { value: "later" }, t("form.later"))] : []),
    );
    days.value = chosen ?? "";
  }

  function put(ms) {
    const at = now();
    // As far as the day of an old entry.
    while (before < FURTHEST_DAYS && ms < daysAround(at, before, 0)[0]) before = Math.min(FURTHEST_DAYS, before + MORE_DAYS);
    while (ahead && after < FURTHEST_DAYS && dayStart(ms) > daysAround(at, 0, after).at(-1)) after = Math.min(FURTHEST_DAYS, after + MORE_DAYS);
    chosen = dayKey(ms);
    drawDays();
    if (days.value !== chosen) days.value = chosen;
    if (document.activeElement !== time) time.value = minute(ms);
  }

  function refresh() {
    row.hidden = Boolean(tick?.checked);
    const given = touched ? null : (value?.() ?? now());
    if (given !== null) put(given);
    else drawDays();
  }

  const touch = () => {
    touched = true;
    exact = null;
    base.show(null);
  };
  time.addEventListener("input", touch);
  days.addEventListener("change", () => {
    touch();
    if (days.value === "earlier") before = Math.min(FURTHEST_DAYS, before + MORE_DAYS);
    else if (days.value === "later") after = Math.min(FURTHEST_DAYS, after + MORE_DAYS);
    else chosen = days.value;
    drawDays();
    days.value = chosen;
  });
  tick?.addEventListener("change", () => {
    base.show(null);
    refresh();
    if (!tick.checked) time.focus();
  });

  return {
    ...base,
    focus: () => (row.hidden ? tick : time).focus(),
    refresh,
    read() {
      if (tick?.checked) return { value: null };
      if (exact !== null) return { value: exact };
      if (!touched) return { value: value?.() ?? dayStart(now()) + minuteOfDay(now()) * 60_000 };
      const got = readClock(time.value);
      if (got.fault) return { fault: t(`fault.${got.fault}`) };
      const start = daysAround(now(), before, after).find((one) => dayKey(one) === chosen);
      // Midnight passed, and the day that was chosen is offered no more.
      if (start === undefined) return { fault: t("fault.choose") };
      return { value: atMinute(start, got.value) };
    },
    /** A time in ms; null: open, or now again where there is no tick. */
    set(ms) {
      touched = ms !== null && ms !== undefined;
      exact = touched ? ms : null;
      if (tick) tick.checked = !touched;
      if (touched) put(ms);
      refresh();
    },
  };
}
