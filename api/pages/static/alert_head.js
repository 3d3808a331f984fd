// The head of an alert's page: what, where, since when, why, and what it cost.

import { figuresOf, isOwn, kindWord, lasting, sentenceOf, showPriority, showUnit } from "./alert_words.js";
import { h, setAttribute, setText } from "./dom.js";
import { instant, moment, number, span } from "./format.js";
import { join, t, word } from "./language.js";

const MINUTE_MS = 60_000;
const FACTS = ["onset", "raised", "recorded", "cleared", "lasts", "lost", "taken"];

/** What the figures point to, and by which measures it was judged. */
function pointsOf(alert) {
  const { votes, window_min: minutes } = alert.figures ?? {};
  const judges = typeof votes === "string" && votes ? votes.split(", ").map((vote) => word("one.vote", vote)).join(t("separator")) : "";
  return [
    figuresOf(alert) && Number.isFinite(minutes) ? t("one.window", { span: span(minutes * MINUTE_MS) }) : "",
    judges && t("one.votes", { list: judges }),
  ].filter(Boolean);
}

export function alertHead(node) {
  const mark = h("span", { class: "mark" });
  const kind = h("h1", {});
  const unit = h("a", { class: "unit ltr" });
  const where = h("span", { class: "where" });
  const state = h("span", { class: "pill" });
  const why = h("p", { class: "why" });
  const points = h("p", { class: "points small" });
  const advice = h("p", { class: "points small" });
  const values = Object.fromEntries(FACTS.map((name) => [name, { label: h("dt", { class: "label" }, t(`one.${name}`)), value: h("dd", {}) }]));
  const facts = h("dl", { class: "facts" }, FACTS.map((name) => h("div", { "data-fact": name }, values[name].label, values[name].value)));
  node.replaceChildren(h("div", { class: "title" }, mark, kind, unit, where, state), why, points, advice, facts);
  const say = (name, text) => {
    values[name].value.parentElement.hidden = !text;
    setText(values[name].value, text);
  };

  return {
    /** `place`: where the unit stands and which machine and signal it is, in words. */
    show(alert, now, place) {
      setAttribute(node, "data-state", alert.state);
      setAttribute(node, "data-priority", alert.priority);
      showPriority(mark, alert.priority);
      setText(kind, kindWord(alert));
      showUnit(unit, alert);
      setText(where, place);
      setText(state, word("alert.state", alert.state));
      setText(why, sentenceOf(alert));
      setText(points, join(...pointsOf(alert)));
      setText(advice, isOwn(alert) ? word("own.do", alert.kind) : ["hard_ore", "feed"].includes(alert.reason) ? t(`one.points.${alert.reason}`) : "");
      const over = alert.cleared_at !== null;
      say("onset", moment(instant(alert.onset_at), now));
      say("raised", moment(instant(alert.raised_at), now));
      say("recorded", alert.historical ? moment(instant(alert.recorded_at), now) : "");
      say("cleared", over ? moment(instant(alert.cleared_at), now) : t("one.stands"));
      setText(values.lasts.label, t(over ? "one.lasted" : "one.lasts"));
      say("lasts", span(lasting(alert, now)));
      say("lost", isOwn(alert) ? "" : alert.tonnes_lost === null ? t("one.lost.unknown") : `${number(alert.tonnes_lost, 1)} ${word("ucum", "t")}`);
      say("taken", alert.acknowledged_by ? t("one.taken.by", { who: alert.acknowledged_by, moment: moment(instant(alert.acknowledged_at), now) }) : t("one.taken.none"));
    },
  };
}
