// What each shift of today and the coming days is to produce: one figure per shift, 0 where it is not worked.

import { h, setText } from "./dom.js";
import { instant, longDate, minute, number } from "./format.js";
import { numberField } from "./inputs_fields.js";
import { t, word } from "./language.js";
import { outbox, OutboxFull } from "./outbox.js";
import { keepPersonName } from "./person.js";
import { refusals } from "./refusals.js";
import { dayOf } from "./said.js";

const BOUNDS = { least: 0, most: 1_000_000, below: true };

export function planTable({ unitId, now, told, who, kept }) {
  const days = h("div", { class: "plan-days" });
  const fault = h("p", { class: "fault", role: "alert" });
  const done = h("p", { class: "done", role: "status" });
  const submit = h("button", { class: "primary" }, t("form.send"));
  const node = h("form", { class: "entry-form plan-form", novalidate: true }, h("h2", {}, t("form.new.plans")), h("p", { class: "quiet small" }, t("plans.hint")), days, fault, h("div", { class: "actions" }, submit), done);
  const cells = new Map(); // day and shift -> { field, plan, tonnes: as they stand here and at the service }

  const nameOf = (plan) => `${plan.day}/${plan.shift}`;

  /** The last thing said of a shift that has still to be sent; null where there is none. */
  function pendingOf(plan) {
    let last = null;
    for (const one of outbox.entries()) {
      if (one.unit !== unitId || one.kind !== "plans" || one.state !== "waiting") continue;
      if (one.action === "add" ? nameOf(one.body) === nameOf(plan) : (one.id !== null && one.id === plan.entry_id) || (last && one.after === last.key)) last = one;
    }
    return last;
  }

  function tonnesOf(plan) {
    const pending = pendingOf(plan);
    return pending ? (pending.body.tonnes ?? null) : plan.tonnes;
  }

  const untouched = ({ field, tonnes }) => field.read().value === tonnes;

  function cell(plan) {
    const label = t("plans.shift", { shift: number(plan.shift), from: minute(instant(plan.start)), to: minute(instant(plan.end)) });
    const field = numberField({ name: nameOf(plan), label, bounds: BOUNDS, allowed: t("allowed.tonnes"), unit: word("ucum", "t"), input: () => setText(done, "") });
    const tonnes = tonnesOf(plan);
    field.set(tonnes);
    return { field, plan, tonnes };
  }

  function refresh() {
    const plans = told()?.plans ?? [];
    const names = plans.map(nameOf).join();
    for (const plan of plans) {
      const known = cells.get(nameOf(plan));
      if (!known) cells.set(nameOf(plan), cell(plan));
      else {
        // What somebody is typing stays; what nobody touched follows the service.
        const tonnes = tonnesOf(plan);
        if (tonnes !== known.tonnes && untouched(known)) known.field.set(tonnes);
        Object.assign(known, { plan, tonnes });
      }
    }
    if (days.dataset.of === names) return;
    days.dataset.of = names;
    const dates = [...new Set(plans.map((plan) => plan.day))];
    days.replaceChildren(
      ...dates.map((date) => h("div", { class: "plan-day", role: "group", "aria-labelledby": `day-${date}` }, h("h3", { id: `day-${date}` }, longDate(dayOf(date))), ...plans.filter((plan) => plan.day === date).map((plan) => cells.get(nameOf(plan)).field.node))),
    );
  }

  const shown = () => (told()?.plans ?? []).map((plan) => cells.get(nameOf(plan))).filter(Boolean);

  function put({ plan, field }, by) {
    const { value } = field.read();
    const rest = { unit: unitId, kind: "plans", at: now() };
    const takeBack = ({ key }) => outbox.takeBack(key, { by, note: t("plans.cleared"), at: rest.at });
    let pending = pendingOf(plan);
    if (value === null) {
      for (; pending?.action === "add"; pending = pendingOf(plan)) {
        const withdrawal = takeBack(pending);
        if (withdrawal) return withdrawal;
      }
      if (pending || plan.entry_id === null) return null;
      return outbox.put({ ...rest, action: "withdraw", id: plan.entry_id, body: { by, note: t("plans.cleared") } });
    }
    const body = { day: plan.day, shift: plan.shift, tonnes: value, by };
    if (pending?.action === "withdraw" && pending.tries === 0) {
      takeBack(pending);
      pending = pendingOf(plan);
    }
    if (pending?.action === "add") return outbox.change(pending.key, body, rest.at);
    // What is withdrawn before this goes cannot be corrected any more.
    if (pending) return outbox.put({ ...rest, body });
    return outbox.put({ ...rest, body: plan.entry_id === null ? body : { ...body, corrects: plan.entry_id } });
  }

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    setText(done, "");
    setText(fault, "");
    const by = who.read();
    const changed = shown().filter((one) => !untouched(one));
    const faulty = changed.map((one) => ({ one, said: one.field.read().fault })).filter(({ said }) => said);
    who.show(by.fault ?? null);
    for (const { field } of shown()) field.show(null);
    for (const { one, said } of faulty) one.field.show(said);
    if (by.fault || faulty.length) {
      (by.fault ? who : faulty[0].one.field).focus();
      return;
    }
    if (!changed.length) {
      setText(done, t("plans.unchanged"));
      return;
    }
    keepPersonName(by.value);
    submit.disabled = true;
    try {
      const sent = changed.map((one) => ({ one, entry: put(one, by.value) }));
      const outcomes = await Promise.all(
        sent.map(async ({ one, entry }) => {
          const outcome = entry ? await outbox.outcome(entry.key) : {};
          // At once: what was refused stays in its field as something typed.
          one.tonnes = tonnesOf(one.plan);
          return { one, ...outcome };
        }),
      );
      for (const { one, refused } of outcomes) {
        if (refused) {
          const [said] = refusals(refused.problem);
          one.field.show(said.text, said.raw);
          // It is here to be put right: nothing of it need wait elsewhere.
          outbox.takeBack(refused.key, { by: by.value, note: t("outbox.taken-back"), at: now() });
        }
      }
      outcomes.find(({ refused }) => refused)?.one.field.focus();
      const waits = outcomes.some(({ waiting }) => waiting);
      if (outcomes.every(({ refused }) => !refused)) setText(done, t(waits ? "form.waiting" : "form.kept"));
      if (outcomes.some(({ sent }) => sent !== undefined)) kept();
    } catch (error) {
      if (!(error instanceof OutboxFull)) throw error;
      setText(fault, t("outbox.full"));
    } finally {
      submit.disabled = false;
    }
  });

  // Until the next reading, what was answered is what holds.
  outbox.addEventListener("sent", ({ detail: { entry, answer } }) => {
    if (entry.unit !== unitId || entry.kind !== "plans") return;
    const plan = told()?.plans?.find((one) => (answer.withdrawn ? one.entry_id === answer.corrects : nameOf(one) === nameOf(answer)));
    if (plan) Object.assign(plan, answer.withdrawn ? { tonnes: null, entry_id: null } : { tonnes: answer.tonnes, entry_id: answer.id });
    refresh();
  });

  refresh();
  return {
    node,
    refresh,
    can: (entry) => (told()?.plans ?? []).some((plan) => plan.entry_id === entry.id),
    correct: (entry) => cells.get(nameOf(entry))?.field.focus(),
    resume(entry) {
      const known = cells.get(nameOf(entry.body));
      if (!known) return;
      known.field.set(entry.body.tonnes);
      known.field.show(refusals(entry.problem)[0].text);
      known.field.focus();
      outbox.takeBack(entry.key, { by: entry.body.by, note: t("outbox.taken-back"), at: now() });
    },
  };
}
