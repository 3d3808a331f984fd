// The bar at the foot of a phone: the most urgent alert that nobody took, and one big button to take it.

import { kindWord, lasting, showPriority, unitWord } from "./alert_words.js";
import { h, setAttribute, setText } from "./dom.js";
import { span } from "./format.js";
import { join, t } from "./language.js";

// When another alert comes to stand here, a thumb already on its way must not take it.
const GUARD_MS = 800;

export function takeBar({ place, take }) {
  const mark = h("span", { class: "mark" });
  const text = h("span", { class: "text" });
  const button = h("button", { type: "button", class: "primary" }, t("alert.acknowledge"));
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", t("watch.next"));
  place.append(h("span", { class: "which" }, mark, text), button);
  let shown = null;
  let guard = null;
  button.addEventListener("click", () => take(shown));

  return {
    /** `alert`: the one to take, or null where all are taken. */
    show(alert, now) {
      if (alert?.id !== shown?.id) {
        clearTimeout(guard);
        button.disabled = shown !== null;
        guard = setTimeout(() => {
          button.disabled = false;
        }, GUARD_MS);
      }
      shown = alert;
      place.hidden = alert === null;
      document.body.toggleAttribute("data-bar", alert !== null);
      if (alert === null) return;
      showPriority(mark, alert.priority);
      setAttribute(place, "data-priority", alert.priority);
      setText(text, join(unitWord(alert.unit), kindWord(alert), span(lasting(alert, now))));
      setAttribute(button, "aria-label", t("watch.take", { kind: kindWord(alert), unit: unitWord(alert.unit) }));
    },
  };
}
