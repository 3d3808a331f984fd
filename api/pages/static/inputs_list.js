// What people said, of one kind, newest time first: who and when, what it replaced, and the way to correct and withdraw.

import { ApiError, ask } from "./api.js";
import { h, setText } from "./dom.js";
import { instant, moment } from "./format.js";
import { recovery } from "./inputs_kinds.js";
import { join, t } from "./language.js";
import { outbox, OutboxFull } from "./outbox.js";
import { keepPersonName } from "./person.js";
import { isolated, say } from "./said.js";

const PAGE = 40;
const WHOLE = 1000;

/** `correct(entry)` opens the form for one; `can(entry)` says whether it does. */
export function entryList({ kind, unitId, now, told, who, correct, can }) {
  const api = `/api/v1/units/${encodeURIComponent(unitId)}/${kind}`;
  const list = h("ol", { class: "entries" });
  const none = h("p", { class: "quiet", hidden: true }, t("list.none"));
  const trouble = h("p", { class: "quiet", hidden: true }, t("load.trouble"));
  const more = h("button", { type: "button", class: "button", hidden: true, onclick: () => read({ further: true }) }, t("list.more"));
  const node = h("section", { class: "entry-list" }, h("h2", {}, t("list.title")), none, trouble, list, more);
  const items = new Map(); // id -> entry, replaced and withdrawn ones too
  let next = null;
  let older = false; // pages beyond the first are here
  let drawn = new Map(); // id -> { node, said }: a row that says the same stays, with what is open or typed in it

  const writtenBy = (entry) => t("list.by", { who: isolated(entry.by), moment: moment(instant(entry.recorded_at), now()) });
  const line = (entry) => say(kind, entry, now(), told()?.reasons);

  /** As many entries as one answer holds; none where the service is silent. */
  async function whole() {
    try {
      return (await ask(`${api}?replaced=true&limit=${WHOLE}`)).items;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return [];
    }
  }

  /** An entry and all that it replaced, the newest first. */
  function chainOf(entry) {
    const chain = [entry];
    while (chain.at(-1).corrects !== null && items.has(chain.at(-1).corrects)) chain.push(items.get(chain.at(-1).corrects));
    return chain;
  }

  function trail(entry) {
    const steps = h("ol", { class: "trail" });
    const box = h("details", {}, h("summary", {}, t("list.history")), steps);
    const draw = () =>
      steps.replaceChildren(
        ...chainOf(entry).map((one) =>
          h("li", {}, h("b", {}, t(one.withdrawn ? "list.was-withdrawn" : one.corrects === null ? "list.was-entered" : "list.was-corrected")), " ", h("span", {}, writtenBy(one)), h("br"), one.withdrawn ? h("bdi", { class: "note-text" }, one.note ?? "") : h("span", {}, line(one)), !one.withdrawn && one.note && h("bdi", { class: "note-text quiet" }, one.note)),
        ),
      );
    box.addEventListener("toggle", async () => {
      if (!box.open) return;
      draw();
      // What it replaced may lie at another time, beyond this page of the list.
      if (chainOf(entry).at(-1).corrects === null) return;
      for (const one of await whole()) items.set(one.id, one);
      draw();
    });
    return box;
  }

  function withdrawal(entry, actions) {
    const why = h("input", { class: "field", maxlength: 2000, id: `why-${entry.id}` });
    const fault = h("p", { class: "fault small", role: "alert" });
    const form = h("form", { class: "withdraw", hidden: true }, h("label", { for: why.id, class: "small" }, t("list.withdraw.why")), why, h("button", { class: "button danger" }, t("list.withdraw.go")), fault);
    const open = h("button", { type: "button", class: "button", "aria-expanded": "false" }, t("list.withdraw"));
    open.addEventListener("click", () => {
      form.hidden = !form.hidden;
      open.setAttribute("aria-expanded", String(!form.hidden));
      if (!form.hidden) why.focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const by = who.read();
      who.show(by.fault ?? null);
      if (by.fault) {
        who.focus();
        return;
      }
      if (!why.value.trim()) {
        setText(fault, t("list.withdraw.needed"));
        why.focus();
        return;
      }
      keepPersonName(by.value);
      try {
        outbox.put({ unit: unitId, kind, action: "withdraw", id: entry.id, body: { by: by.value, note: why.value.trim() }, at: now() });
        form.replaceWith(h("p", { class: "small", role: "status" }, t("list.withdraw.sent")));
        open.remove();
        drawn.delete(entry.id); // the next reading shows what became of it
      } catch (error) {
        if (!(error instanceof OutboxFull)) throw error;
        setText(fault, t("outbox.full"));
      }
    });
    actions.append(open);
    return form;
  }

  function row(entry) {
    const gone = entry.withdrawn;
    const shown = gone ? (items.get(entry.corrects) ?? entry) : entry;
    const actions = h("span", { class: "actions" });
    const form = gone ? null : withdrawal(entry, actions);
    if (!gone && can(entry)) actions.prepend(h("button", { type: "button", class: "button", onclick: () => correct(entry) }, t("list.correct")));
    const before = gone || entry.corrects === null ? null : items.get(entry.corrects);
    const figures = kind === "assays" && !gone ? recovery(entry) : "";
    return h(
      "li",
      { class: "entry", "data-id": entry.id, "data-gone": gone },
      h("div", { class: "entry-main" }, h("span", { class: "entry-said" }, gone ? h("s", {}, line(shown)) : line(entry)), figures && h("span", { class: "entry-figures" }, figures)),
      h("p", { class: "quiet small" }, gone && `${t("list.was-withdrawn")} `, h("span", {}, writtenBy(entry))),
      before && h("p", { class: "quiet small replaced" }, t("list.instead-of"), " ", h("s", {}, h("span", {}, line(before))), " ", h("span", {}, writtenBy(before))),
      entry.note && h("bdi", { class: "note-text small" }, entry.note),
      actions,
      form,
      entry.corrects !== null && trail(entry),
    );
  }

  /** All that a row shows. */
  function saidOf(entry) {
    const before = items.get(entry.corrects) ?? null;
    return JSON.stringify([entry, line(entry), writtenBy(entry), can(entry), before, before && [line(before), writtenBy(before)]]);
  }

  /** What an answer holds, beside what is here already. */
  function take(page) {
    for (const one of page.items) items.set(one.id, one);
    for (const one of page.items) {
      const before = items.get(one.corrects);
      if (before && before.replaced_by === null) items.set(before.id, { ...before, replaced_by: one.id });
    }
  }

  function draw() {
    const heads = [...items.values()].filter((one) => one.replaced_by === null).sort((a, b) => instant(b.from) - instant(a.from) || b.id - a.id);
    drawn = new Map(
      heads.map((entry) => {
        const said = saidOf(entry);
        const before = drawn.get(entry.id);
        return [entry.id, before?.said === said ? before : { node: row(entry), said }];
      }),
    );
    const nodes = [...drawn.values()].map((one) => one.node);
    const kept = new Set(nodes);
    for (const one of [...list.children]) if (!kept.has(one)) one.remove();
    nodes.forEach((one, place) => list.children[place] !== one && list.insertBefore(one, list.children[place] ?? null));
    none.hidden = heads.length > 0;
    more.hidden = next === null;
  }

  async function read({ further = false } = {}) {
    const query = new URLSearchParams({ replaced: "true", limit: String(PAGE) });
    if (further && next !== null) query.set("after", next);
    try {
      const page = await ask(`${api}?${query}`);
      take(page);
      if (further || !older) next = page.next;
      older ||= further;
      trouble.hidden = true;
      draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      trouble.hidden = items.size > 0; // what was read stays; the page says that the service is silent
    }
  }

  return {
    node,
    read,
    /** One entry by its id, also beyond what is shown; null where it cannot be had. */
    async find(id) {
      return items.get(id) ?? (await whole()).find((one) => one.id === id) ?? null;
    },
  };
}
