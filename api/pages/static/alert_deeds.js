// What can be done to one alert: take it, say something, silence it for a while, end the silence.

import { isUntaken } from "./alert_words.js";
import { h } from "./dom.js";
import { span } from "./format.js";
import { t } from "./language.js";

const MINUTES = [30, 60, 120, 240, 480, 1440];
const USUAL = 120;

/** `act(what, body)` does it and says whether it was done; `rename()` asks for another name. */
export function alertDeeds({ act, rename }) {
  const take = h("button", { type: "button", class: "primary big", onclick: () => act("acknowledge", {}) }, t("alert.acknowledge"));
  const release = h("button", { type: "button", class: "button", onclick: () => act("unshelve", {}) }, t("one.unshelve"));
  const text = h("textarea", { class: "field", id: "comment", rows: 3, maxlength: 2000, required: true });
  const comment = h("form", {}, h("label", { for: "comment", class: "label" }, t("one.comment")), text, h("button", { class: "button" }, t("alert.comment.send")));
  const minutes = h("select", { class: "field", id: "minutes" }, MINUTES.map((one) => h("option", { value: one, selected: one === USUAL }, span(one * 60_000))));
  const why = h("input", { class: "field", id: "reason", maxlength: 500, required: true, autocomplete: "off" });
  const shelve = h(
    "form",
    {},
    h("p", { class: "small quiet" }, t("one.shelve.hint")),
    h("label", { for: "minutes", class: "label" }, t("one.shelve.for")),
    minutes,
    h("label", { for: "reason", class: "label" }, t("one.shelve.why")),
    why,
    h("button", { class: "button" }, t("one.shelve")),
  );
  const silence = h("details", {}, h("summary", {}, t("one.shelve.long")), shelve);
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const me = h("button", { type: "button", class: "button plain", onclick: rename });

  comment.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (text.value.trim() && (await act("comment", { text: text.value.trim() }))) text.value = "";
  });
  shelve.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!why.value.trim()) return why.focus();
    if (await act("shelve", { minutes: Number(minutes.value), reason: why.value.trim() })) {
      why.value = "";
      silence.open = false;
    }
    return undefined;
  });

  return {
    parts: [take, release, fault, comment, silence, me],
    /** What went wrong, or nothing. */
    say(trouble) {
      fault.textContent = trouble;
      fault.hidden = !trouble;
    },
    busy(yes) {
      for (const button of [take, release, ...comment.querySelectorAll("button"), ...shelve.querySelectorAll("button")]) button.disabled = yes;
    },
    show(alert, name) {
      take.hidden = !isUntaken(alert);
      release.hidden = alert.state !== "SHLVD";
      silence.hidden = alert.state === "SHLVD" || alert.state === "NORM";
      me.textContent = name ? t("watch.me", { who: name }) : t("watch.me.none");
      me.setAttribute("aria-label", `${me.textContent}. ${t("watch.me.change")}`);
    },
  };
}
