// The form for the access token. The browser never keeps the token: the service turns it into a session cookie.

import { h, setText } from "./dom.js";
import { t } from "./language.js";

let open = null;

/** Ask for the token until it is right; everybody who needs it meanwhile waits for the same form. */
export function logIn() {
  open ??= show().finally(() => {
    open = null;
  });
  return open;
}

function show() {
  return new Promise((done) => {
    const token = h("input", { type: "password", name: "token", id: "token", autocomplete: "current-password", required: true });
    const fault = h("p", { class: "fault", role: "alert" });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, t("login.title")),
      h("p", {}, t("login.why")),
      h("label", { for: "token" }, t("login.token")),
      token,
      fault,
      h("button", { class: "primary" }, t("login.enter")),
    );
    const dialog = h("dialog", { class: "login", "aria-label": t("login.title") }, form);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      setText(fault, "");
      try {
        const response = await fetch("/api/v1/session", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ token: token.value.trim() }),
        });
        if (response.ok) {
          dialog.close();
          dialog.remove();
          done();
        } else setText(fault, t(response.status < 500 ? "login.wrong" : "login.trouble"));
      } catch {
        setText(fault, t("login.trouble"));
      }
      token.select();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
