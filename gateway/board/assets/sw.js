// The service worker keeps the shell and the last board, for a page that opens without contact.
// VERSION, SHELL, ICON and WORDS are put before this file by the server.

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

// Pushes. WORDS (by language) is put before this file, too. Whatever comes, something must be shown: a browser
// takes the leave away from who pushes in silence.

const ANSWER_TRIES = 3;
const VIBRATE = [300, 150, 300, 150, 600];

function read(data) {
  try {
    const said = data.json();
    if (typeof said.title === "string" && typeof said.tag === "string") return said;
  } catch { /* below */ }
  return { about: "unknown", tag: "velgate", title: "Velgate", body: WORDS.da.unknown, lang: "da" };
}

// Of two about one alert the later state stands, in whichever order they come.
async function show(said) {
  const [before] = await self.registration.getNotifications({ tag: said.tag });
  const late = before?.data?.rev > said.rev;
  const shown = late ? before.data : said;
  const quiet = late || shown.about === "taken";
  await self.registration.showNotification(shown.title, {
    tag: shown.tag, lang: shown.lang, data: shown, icon: ICON, badge: ICON,
    body: shown.body || (shown.about === "alert" ? (WORDS[shown.lang] ?? WORDS.da).open : ""),
    timestamp: Date.parse(shown.time) || Date.now(), silent: quiet, renotify: !quiet,
    requireInteraction: !quiet && (shown.urgent === true || shown.about === "trial"),
    ...(quiet ? {} : { vibrate: VIBRATE }),
  });
}

self.addEventListener("push", (event) => { event.waitUntil(show(read(event.data))); });

async function answer(token) {
  for (let attempt = 1; attempt <= ANSWER_TRIES; attempt += 1) {
    const given = await fetch("/api/v1/reach/answer", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }), signal: AbortSignal.timeout(WAIT_MS),
    }).catch(() => null);
    if (given) return;
  }
}

// To the page that is open, or to a new one: the alert that was tapped.
async function open(said) {
  const path = said.about === "alert" && said.alert ? `/alert/${said.alert}` : "/";
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((each) => each.visibilityState === "visible") ?? pages[0];
  if (!page) { await self.clients.openWindow(path); return; }
  const front = await page.focus().catch(() => page);
  if (new URL(front.url).pathname.startsWith("/sign")) await front.navigate(path).catch(() => {});
  else front.postMessage({ tapped: said.about, alert: said.alert });
}

self.addEventListener("notificationclick", (event) => {
  const said = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(Promise.all([said.token ? answer(said.token) : null, open(said)]));
});

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

async function renew(before, given) {
  const { key } = await (await fetch("/api/v1/push", { signal: AbortSignal.timeout(WAIT_MS) })).json();
  if (!key) return;
  const fresh = given ?? await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const { endpoint, keys } = fresh.toJSON();
  await fetch("/api/v1/push/subscriptions", {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ endpoint, keys, ...(before ? { instead_of: before.endpoint } : {}) }),
  });
}

self.addEventListener("pushsubscriptionchange", (event) => { event.waitUntil(renew(event.oldSubscription, event.newSubscription)); });
