// What people do to alerts, acknowledge, comment, shelve; and what is said when it did not work.

import { ApiError, send } from "./api.js";
import { t } from "./language.js";

/** What went wrong, for people: above all whether anything was sent at all. */
export function troubleOf(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 0) return t("alert.not-sent");
  return error.status === 409 ? t("alert.overtaken") : t("alert.failed", { why: error.message });
}

/** Do `what` to an alert in somebody's name; returns the alert as it is now. Throws ApiError. */
export const perform = (id, what, by, body = {}) => send(`/api/v1/alerts/${encodeURIComponent(id)}/${what}`, { by, ...body });
