// What waits to be sent, since when, and what was refused, with its reason. Nothing to show: not there.

import { h, setText } from "./dom.js";
import { moment, number } from "./format.js";
import { join, t } from "./language.js";
import { outbox } from "./outbox.js";
import { personName } from "./person.js";
import { refusals } from "./refusals.js";
import { isolated, kindWord, say } from "./said.js";

const SHOWN = 50;

/** `unitId`: only that unit's are told in full; `correct(entry)` opens one again, `hrefOf(entry)` leads to where that can be done. */
export function outboxPanel({ unitId, now, reasons = () => [], correct = null, hrefOf = null }) {
  const count = h("b", {});
  const why = h("span", { class: "quiet small" });
  const list = h("ul", { class: "outbox-list" });
  const again = h("button", { type: "button", class: "button", onclick: () => outbox.hurry() }, t("outbox.now"));
  const node = h("section", { class: "outbox", "aria-label": t("outbox.title"), hidden: true }, h("div", { class: "outbox-head", role: "status" }, count, why, again), list);

  function row(entry) {
    const refused = entry.state === "refused";
    const mine = entry.unit === unitId;
    const what = entry.action === "withdraw" ? t("outbox.withdrawal", { kind: kindWord(entry.kind) }) : entry.kind === "unreadable" ? t("outbox.unreadable") : join(kindWord(entry.kind), say(entry.kind, entry.body, now(), reasons()));
    const facts = join(mine ? "" : isolated(entry.unit), isolated(entry.body.by ?? ""), entry.at === null ? "" : t("outbox.since", { moment: moment(entry.at, now()) }));
    const actions = h("span", { class: "actions" });
    if (refused && correct && mine && entry.action === "add" && entry.kind !== "unreadable") actions.append(h("button", { type: "button", class: "button", onclick: () => correct(entry) }, t("outbox.correct")));
    else if (refused && hrefOf) actions.append(h("a", { class: "button", href: hrefOf(entry) }, t("outbox.correct")));
    if (refused || entry.tries === 0) {
      actions.append(h("button", { type: "button", class: "button", onclick: () => outbox.takeBack(entry.key, { by: personName(), note: t("outbox.taken-back"), at: now() }) }, t("outbox.discard")));
    }
    return h(
      "li",
      { "data-state": entry.state, "data-key": entry.key },
      h("span", { class: "mark" }, t(`outbox.${entry.state}`)),
      h("span", { class: "what" }, what),
      h("span", { class: "quiet small" }, facts),
      refused && h("span", { class: "fault" }, ...refusals(entry.problem).flatMap((one) => [one.text, one.raw && h("bdi", { class: "raw", lang: "en", dir: "ltr" }, ` ${one.raw}`)]).filter(Boolean)),
      actions,
    );
  }

  function draw() {
    const all = outbox.entries();
    const waiting = all.filter((one) => one.state === "waiting");
    node.hidden = all.length === 0;
    setText(count, join(waiting.length ? t("outbox.count", { n: number(waiting.length) }) : "", waiting.length < all.length ? t("outbox.refused.count", { n: number(all.length - waiting.length) }) : ""));
    setText(why, outbox.lasting ? (waiting.length ? t("outbox.kept") : "") : t("outbox.memory"));
    again.hidden = waiting.length === 0;
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.key : null;
    // Refused ones first: they wait for somebody.
    const shown = [...all.filter((one) => one.state === "refused"), ...waiting].slice(0, SHOWN);
    list.replaceChildren(...shown.map(row));
    if (all.length > SHOWN) list.append(h("li", { class: "quiet" }, t("outbox.more", { n: number(all.length - SHOWN) })));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"] button`)?.focus();
  }

  outbox.addEventListener("change", draw);
  draw();
  return { node, draw };
}
