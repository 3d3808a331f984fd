// One alert in the list: what, where, why, since when, what it cost, who took it; and the button to take it.

import { isUntaken, kindWord, lasting, lostOf, sentenceOf, showPriority, showUnit, takenOf, unitWord } from "./alert_words.js";
import { h, setAttribute, setText } from "./dom.js";
import { instant, moment, span } from "./format.js";
import { join, t, word } from "./language.js";

/** `take(alert)` is called when somebody acknowledges; the row only shows. */
export function alertRow({ take }) {
  const mark = h("span", { class: "mark" });
  const name = h("a", { class: "name" });
  const unit = h("a", { class: "unit ltr" });
  const state = h("span", { class: "pill" });
  const why = h("p", { class: "why" });
  const taken = h("p", { class: "taken" });
  const lost = h("span", { class: "lost" });
  const age = h("b", {});
  const since = h("span", {});
  const button = h("button", { type: "button", class: "primary take" }, t("alert.acknowledge"));
  const node = h(
    "li",
    { class: "alert-row" },
    mark,
    h("div", { class: "what" }, h("p", { class: "head" }, name, unit, state), why, taken),
    h("div", { class: "cost" }, h("p", { class: "age" }, age, since), lost),
    button,
  );
  let alert = null;
  button.addEventListener("click", () => take(alert));

  return {
    node,
    button,
    link: name,
    show(told, now) {
      alert = told;
      const over = alert.cleared_at !== null;
      setAttribute(node, "data-id", alert.id);
      setAttribute(node, "data-state", alert.state);
      setAttribute(node, "data-priority", alert.priority);
      showPriority(mark, alert.priority);
      setText(name, kindWord(alert));
      setAttribute(name, "href", `/alerts/${alert.id}`);
      showUnit(unit, alert);
      setText(state, word("alert.state", alert.state));
      setText(why, sentenceOf(alert));
      setText(taken, join(takenOf(alert, now), alert.historical && t("alert.historical")));
      setText(lost, lostOf(alert));
      setText(age, over ? t("watch.lasted", { span: span(lasting(alert, now)) }) : span(lasting(alert, now)));
      setText(since, t("watch.since", { moment: moment(instant(alert.onset_at), now) }));
      button.hidden = !isUntaken(alert);
      setAttribute(button, "aria-label", t("watch.take", { kind: kindWord(alert), unit: unitWord(alert.unit) }));
    },
  };
}
