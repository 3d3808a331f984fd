// Why the service did not take an input, in the page's language. It names the field; what it says in English beyond
// that is recognised where we know it, and otherwise shown as it came.

import { t } from "./language.js";

const KNOWN = [
  [/overlaps stop (\d+)/, "refused.overlap"],
  [/entry (\d+) (?:begins then|plans this shift)/, "refused.same"],
  [/in the future|too far ahead/, "refused.future"],
  [/too long ago/, "refused.old"],
  [/not after from/, "refused.order"],
  [/too long after/, "refused.long"],
  [/a stop that is still to come/, "refused.open"],
  [/more than the belt carries/, "refused.belt"],
  [/not above/, "refused.grades"],
  [/is (?:a withdrawal|replaced by (\d+))/, "refused.replaced"],
  [/was never seen/, "refused.unit"],
];

/**
 * [{ field, text, other, raw, stale }]: field null where the whole is refused, other the id of the entry in the way;
 * stale: what was to be corrected holds no more, and other, if any, took its place.
 */
export function refusals(problem) {
  const told = problem.errors?.length ? problem.errors : [{ field: null, message: problem.detail }];
  return told.map(({ field, message }) => {
    const found = KNOWN.map(([pattern, key]) => [pattern.exec(message ?? ""), key]).find(([match]) => match);
    const last = String(field ?? "").split(".").at(-1).replace(/_$/, "") || null;
    if (found) return { field: last, text: t(found[1]), other: found[0][1] ? Number(found[0][1]) : null, raw: null, stale: found[1] === "refused.replaced" };
    return { field: last, text: t(problem.status === 409 ? "refused.conflict" : "refused.value"), other: null, raw: message ?? "", stale: false };
  });
}
