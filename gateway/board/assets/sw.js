// The service worker keeps the shell and the last board, for a page that opens without contact.
// VERSION and SHELL are put before this file by the server.

const FILES = `velgate-${VERSION}`;
const BOARD = "velgate-board";
const WAIT_MS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("velgate-") && name !== FILES && name !== BOARD) await caches.delete(name);
    await self.clients.claim();
  })());
});

async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok && !answer.redirected && new URL(request.url).pathname === "/") {
      const cache = await caches.open(BOARD);
      await cache.put("/", answer.clone());
    }
    return answer;
  } catch (failed) {
    const kept = await caches.match("/", { cacheName: BOARD });
    if (kept) return kept;
    throw failed;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin || event.request.method !== "GET") return;
  if (event.request.mode === "navigate") event.respondWith(page(event.request));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
});
