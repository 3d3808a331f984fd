// What happened to an alert, oldest first: the plant's own moments and what people did.

import { noteText } from "./alert_words.js";
import { h } from "./dom.js";
import { instant, moment } from "./format.js";
import { t } from "./language.js";

const SHELVING = /^(shelved for \d+ min: |unshelved$)/;

/** [{ at, kind, who, text }], in order of time. */
export function eventsOf(alert) {
  const events = [
    { at: instant(alert.onset_at), kind: "onset" },
    { at: instant(alert.raised_at), kind: "raised" },
    { at: alert.historical ? instant(alert.recorded_at) : NaN, kind: "recorded" },
    { at: instant(alert.cleared_at), kind: "cleared" },
    { at: instant(alert.acknowledged_at), kind: "acknowledged", who: alert.acknowledged_by },
    ...(alert.notes ?? []).map((note) => ({ at: instant(note.at), kind: SHELVING.test(note.text) ? "shelving" : "note", who: note.by, text: noteText(note) })),
  ];
  return events.filter((event) => Number.isFinite(event.at)).sort((a, b) => a.at - b.at);
}

export function alertTimeline() {
  const node = h("ol", { class: "timeline" });
  let shown = "";
  return {
    node,
    show(alert, now) {
      const events = eventsOf(alert);
      const key = JSON.stringify(events);
      if (key === shown) return;
      shown = key;
      node.replaceChildren(
        ...events.map(({ at, kind, who, text }) =>
          h(
            "li",
            { "data-kind": kind },
            h("time", { datetime: new Date(at).toISOString() }, moment(at, now)),
            h("b", {}, kind === "shelving" ? h("bdi", {}, text) : t(`one.event.${kind}`)),
            who ? h("span", { class: "by" }, h("bdi", {}, who === "orewatch" ? t("one.by.system") : who)) : null,
            kind === "note" ? h("bdi", { class: "said" }, text) : null,
          ),
        ),
      );
    },
  };
}
