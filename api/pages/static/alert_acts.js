// What people do to alerts: acknowledge, comment, shelve. Who does it is asked for once and remembered.

import { ApiError, send } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";
import { keepPersonName, personName } from "./person.js";

let asking = null;

/** Ask for the name; null where somebody thinks better of it. */
export function askName() {
  asking ??= show().finally(() => {
    asking = null;
  });
  return asking;
}

function show() {
  return new Promise((done) => {
    const before = document.activeElement;
    const name = h("input", { class: "field", id: "ask-name", autocomplete: "name", maxlength: 80, required: true, value: personName() });
    const cancel = h("button", { type: "button", class: "button" }, t("alert.cancel"));
    const form = h("form", { method: "dialog" }, h("h2", {}, t("alert.who")), h("p", {}, t("alert.who.why")), h("label", { for: "ask-name" }, t("alert.who")), name, h("div", { class: "actions" }, h("button", { class: "primary" }, t("alert.who.keep")), cancel));
    const dialog = h("dialog", { class: "login name", "aria-label": t("alert.who") }, form);
    const end = (answer) => {
      dialog.close();
      dialog.remove();
      before?.focus?.();
      done(answer);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!name.value.trim()) return name.focus();
      keepPersonName(name.value.trim());
      return end(name.value.trim());
    });
    cancel.addEventListener("click", () => end(null));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    name.select();
  });
}

/** What went wrong, for people: above all whether anything was sent at all. */
export function troubleOf(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 0) return t("alert.not-sent");
  return error.status === 409 ? t("alert.overtaken") : t("alert.failed", { why: error.message });
}

/** Do `what` to an alert in somebody's name; returns the alert as it is now. Throws ApiError. */
export const perform = (id, what, by, body = {}) => send(`/api/v1/alerts/${encodeURIComponent(id)}/${what}`, { by, ...body });
