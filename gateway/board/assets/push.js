// This phone's pushes: subscribing, ending it, and what the service worker tells the page.

import { boot, now } from "./boot.js";
import { atCalls, go, openDetail } from "./views.js";
import { onChange, store } from "./store.js";

const READY_MS = 10_000;
const ANSWER_MS = 8000;
const TIDY_MS = 500;
const FORGOTTEN_MS = 60_000;

// Whether this home pushes, and this is somebody's own page.
export const offered = () => !!boot.push && !!store.me.person && !store.me.screen;
export const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
export const permission = () => (able() ? Notification.permission : "none");

const standalone = () => navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
const apple = () => /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
// iOS pushes only to a page that was opened from the home screen.
export const needsHomeScreen = () => apple() && !standalone() && !able();

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

function sameKey(subscription) {
  const used = subscription.options?.applicationServerKey;
  if (!used) return true;
  const wanted = bytes(boot.push);
  const given = new Uint8Array(used);
  return given.length === wanted.length && given.every((byte, at) => byte === wanted[at]);
}

function ready() {
  return Promise.race([navigator.serviceWorker.ready, new Promise((_, fail) => { setTimeout(() => fail(new Error("no service worker")), READY_MS); })]);
}

const send = (body, method) => fetch("/api/v1/push/subscriptions", {
  method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS),
});

// Subscribes, or says again that this browser is whose page this is. Gives whether pushes come here now.
export async function subscribe() {
  try {
    const { pushManager } = await ready();
    let own = await pushManager.getSubscription();
    let before = null;
    if (own && !sameKey(own)) { before = own.endpoint; await own.unsubscribe(); own = null; }
    own ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(boot.push) });
    const { endpoint, keys } = own.toJSON();
    return (await send({ endpoint, keys, ...(before ? { instead_of: before } : {}) }, "POST")).ok;
  } catch { return false; }
}

export async function subscribed() {
  try {
    return offered() && permission() === "granted" && !!await (await ready()).pushManager.getSubscription();
  } catch { return false; }
}

export async function unsubscribe() {
  const own = await (await ready()).pushManager.getSubscription();
  if (!own) return;
  await send({ endpoint: own.endpoint }, "DELETE").catch(() => {});
  await own.unsubscribe();
}

// What stands on the phone of calls that somebody has taken, or that this person looks at now, goes away.
async function tidy() {
  if (document.visibilityState !== "visible" || permission() !== "granted") return;
  const registration = await navigator.serviceWorker.getRegistration();
  for (const shown of await registration?.getNotifications() ?? []) {
    const name = shown.data?.alert;
    if (!name) continue;
    const alert = store.alerts.get(name);
    // A push may be here before the page has heard of its alert; long after, the alert is closed and forgotten.
    const over = alert ? alert.handling !== "unacknowledged" : now() - Date.parse(shown.data.time) > FORGOTTEN_MS;
    if (over || (alert && atCalls())) shown.close();
  }
}

let soon = 0;
export function startPush() {
  if (!able()) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.tapped === "alert") openDetail(data.alert);
    else if (data?.tapped === "taken") go("/");
  });
  const later = () => { clearTimeout(soon); soon = setTimeout(() => tidy().catch(() => {}), TIDY_MS); };
  onChange((what) => { if (what === "alert" || what === "load") later(); });
  addEventListener("visibilitychange", later);
}
