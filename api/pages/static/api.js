// Asking the service. A 401 brings up the login once, whoever ran into it; then the question is asked again.

const TIMEOUT_MS = 10_000;

export class ApiError extends Error {
  /** status 0: the service could not be reached at all. `errors`: the fields at fault, as it named them. */
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

async function once(path, method, body) {
  try {
    return await fetch(path, {
      method,
      headers: body === undefined ? { accept: "application/json" } : { accept: "application/json", "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch (error) {
    throw new ApiError(0, error.message);
  }
}

let offset = null;

/** The server's time by the Date of its answers, to the second; NaN before the first. Frames know it better. */
export const answeredAt = () => (offset === null ? NaN : performance.now() + offset);

async function read(response) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    // A login page of some network on the way, or a body cut short: not the service's answer.
    throw new ApiError(0, error.message);
  }
}

/** `login` false: a 401 is for the caller. */
export async function ask(path, { method = "GET", body, login = true } = {}) {
  for (;;) {
    const response = await once(path, method, body);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (Number.isFinite(date)) offset = date + 500 - performance.now();
    if (response.status === 401 && login) {
      // Most sessions last a month: the form is fetched when it is needed.
      const { logIn } = await import("./login.js");
      await logIn();
      continue;
    }
    if (response.ok) return read(response);
    let detail = response.statusText;
    let errors = [];
    try {
      const problem = await response.json();
      detail = problem.detail ?? problem.title ?? detail;
      errors = Array.isArray(problem.errors) ? problem.errors : [];
    } catch {
      // not every proxy on the way answers in JSON; the status says enough
    }
    throw new ApiError(response.status, String(detail), errors);
  }
}

export const send = (path, body) => ask(path, { method: "POST", body });

/** Every item of a list, page by page; `most` bounds what a page of ours will ever hold. */
export async function everything(path, most = 5000) {
  const items = [];
  let after = null;
  do {
    const url = new URL(path, location.origin);
    if (after !== null) url.searchParams.set("after", after);
    const page = await ask(url.pathname + url.search);
    items.push(...page.items);
    after = page.next;
  } while (after !== null && after !== undefined && items.length < most);
  return items;
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Ask until there is an answer: a restarting service heals by itself. Only "there is no such thing" is final. */
export async function insist(question, onTrouble = () => {}) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 404) throw error;
      onTrouble(error);
      await wait(pause * (0.75 + Math.random() / 2));
    }
  }
}
