// The service worker: the pages open also while the link is down, and then say that they hear nothing.
//
// The service puts `self.SHELL` before this: { version, files, pages: [[pattern, file]] }. What is shown comes from the
// network wherever it answers in time. The API is never touched: numbers of yesterday must not pass for today's.

const { version, files, pages } = self.SHELL;
const CACHE = `orewatch-${version}`;
const PATIENCE_MS = 3_000;
const POOR_MS = 15_000;
let poorUntil = 0; // after one wait in vain the forty other files of a page do not each wait as long

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("orewatch-") && name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

/** The kept file that stands for a request, or null: then the browser asks as if there were no worker. */
function standIn(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return null;
  if (request.mode === "navigate") return pages.find(([pattern]) => new RegExp(pattern).test(url.pathname))?.[1] ?? null;
  return files.includes(url.pathname) ? url.pathname : null;
}

async function answer(request, file) {
  const kept = await (await caches.open(CACHE)).match(file, { ignoreVary: true });
  if (kept && performance.now() < poorUntil) return kept;
  const asked = fetch(request);
  asked.catch(() => {}); // it may fail after the wait is over
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("late")), PATIENCE_MS);
  });
  try {
    const response = await Promise.race(kept ? [asked, late] : [asked]);
    poorUntil = 0;
    // A gateway that answers for a service which is away is no answer.
    return kept && response.status >= 500 ? kept : response;
  } catch (error) {
    if (!kept) throw error;
    poorUntil = performance.now() + POOR_MS;
    return kept;
  } finally {
    clearTimeout(timer);
  }
}

self.addEventListener("fetch", (event) => {
  const file = standIn(event.request);
  if (file !== null) event.respondWith(answer(event.request, file));
});
