// One form: reads its fields, says what cannot be beside each, hands the rest to the outbox, and says what came of it.

import { h, setAttribute, setText } from "./dom.js";
import { instant } from "./format.js";
import { faultsOf, fieldsOf, remarkOn } from "./inputs_kinds.js";
import { t } from "./language.js";
import { outbox, OutboxFull } from "./outbox.js";
import { keepPersonName, personName } from "./person.js";
import { refusals } from "./refusals.js";
import { isolated, say } from "./said.js";

const TIMES = new Set(["from", "to"]);

/** `who`: the field of the page that holds the name; `kept()`: called when the service has taken something. */
export function entryForm({ kind, unitId, now, told, who, kept, entryOf }) {
  const fields = fieldsOf(kind, { now, told, changed: () => remark() });
  const title = h("h2", { tabindex: "-1" });
  const about = h("p", { class: "quiet small", hidden: true });
  const live = h("p", { class: "remark", role: "status", hidden: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const done = h("p", { class: "done", role: "status" });
  const submit = h("button", { class: "primary" });
  const cancel = h("button", { type: "button", class: "button", hidden: true, onclick: () => clear() }, t("form.cancel"));
  const node = h("form", { class: "entry-form", novalidate: true }, title, about, ...fields.slice(0, -1).map((one) => one.node), live, fields.at(-1).node, fault, h("div", { class: "actions" }, submit, cancel), done);
  let correcting = null; // the entry that this replaces
  let resumed = null; // the refused one of the outbox that this puts right
  let instead; // the id of what took the place of the entry to be corrected, null where it was withdrawn
  let typed = false; // somebody began the next one

  const valuesNow = () => Object.fromEntries(fields.map((one) => [one.name, one.read().value]));

  function remark() {
    const said = remarkOn(kind, valuesNow());
    live.hidden = !said;
    if (!said) return;
    setText(live, said.text);
    setAttribute(live, "data-good", said.good);
  }

  function head() {
    const again = correcting ?? resumed?.body ?? null;
    setText(title, t(again ? "form.correct" : `form.new.${kind}`));
    about.hidden = !again;
    if (again) setText(about, say(kind, again, now(), told()?.reasons));
    setText(submit, t(again ? "form.send-correction" : "form.send"));
    cancel.hidden = !again;
  }

  function fill(entry) {
    for (const one of fields) {
      const value = entry?.[one.name] ?? null;
      one.set(TIMES.has(one.name) && value !== null ? instant(value) : value);
      one.show(null);
    }
    setText(fault, "");
    live.hidden = true;
    typed = false;
    head();
  }

  function clear() {
    correcting = null;
    resumed = null;
    instead = undefined;
    fill(null);
  }

  /** Show faults where they belong and go to the first; what has no field stands under the form. */
  function faulty(list) {
    const all = [who, ...fields];
    for (const one of all) one.show(null);
    const loose = [];
    for (const { name, fault: text, raw } of list) {
      const place = all.find((one) => one.name === name);
      if (place) place.show(text, raw);
      else loose.push(text, ...(raw ? [h("bdi", { class: "raw", lang: "en", dir: "ltr" }, ` ${raw}`)] : []));
    }
    fault.replaceChildren(...loose);
    all.find((one) => list.some(({ name }) => name === one.name))?.focus();
  }

  function check() {
    const list = [];
    const values = {};
    for (const one of [who, ...fields]) {
      const got = one.read();
      values[one.name] = got.value;
      if (got.fault) list.push({ name: one.name, fault: got.fault });
    }
    if (!list.length) list.push(...faultsOf(kind, values, { now, told }));
    return { list, values };
  }

  async function refused(problem) {
    const list = [];
    for (const { field, text, other, raw, stale } of refusals(problem)) {
      // The one in the way, in words.
      const entry = other === null ? null : await entryOf(kind, other);
      if (stale) instead = entry && !entry.withdrawn ? entry.id : null;
      list.push({ name: field, fault: entry && !entry.withdrawn ? `${text} ${t("refused.other", { entry: say(kind, entry, now(), told()?.reasons), who: isolated(entry.by) })}` : text, raw });
    }
    faulty(list);
  }

  node.addEventListener("input", () => (typed = true));

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    setText(done, "");
    const { list, values } = check();
    faulty(list);
    if (list.length) return;
    keepPersonName(who.read().value);
    const body = { by: personName().trim() };
    for (const one of fields) body[one.name] = TIMES.has(one.name) && values[one.name] !== null ? new Date(values[one.name]).toISOString() : values[one.name];
    const corrects = instead === undefined ? (correcting?.id ?? resumed?.body.corrects ?? null) : instead;
    if (corrects !== null) body.corrects = corrects;
    submit.disabled = true;
    try {
      if (resumed) outbox.takeBack(resumed.key, { by: body.by, note: t("outbox.taken-back"), at: now() });
      const entry = outbox.put({ unit: unitId, kind, body, at: now() });
      const waited = outbox.outcome(entry.key);
      clear(); // it is safe there; what is typed meanwhile is the next one
      const outcome = await waited;
      if (outcome.refused) {
        if (typed) {
          setText(fault, t("form.refused"));
          return;
        }
        resumed = outcome.refused;
        fill(body);
        await refused(outcome.refused.problem);
        return;
      }
      setText(done, t(outcome.waiting === undefined ? "form.kept" : "form.waiting"));
      if (outcome.waiting === undefined) kept();
    } catch (error) {
      if (!(error instanceof OutboxFull)) throw error;
      setText(fault, t("outbox.full"));
    } finally {
      submit.disabled = false;
    }
  });

  clear();
  return {
    node,
    /** Replace an entry: the form begins with what it says. */
    correct(entry) {
      clear();
      correcting = entry;
      fill(entry);
      title.focus();
    },
    /** Put right what was refused. */
    async resume(entry) {
      clear();
      resumed = entry;
      fill(entry.body);
      await refused(entry.problem);
    },
    refresh() {
      for (const one of fields) one.refresh?.();
    },
  };
}
