// The event stream, and what happens without it: the bar after 10 s, everything fetched anew on return.

import { boot, now, setServerTime, viewer } from "./boot.js";
import { contactBack, contactLost, drawTroubles } from "./contact.js";
import { apply, changed, load, store } from "./store.js";
import { free, soundNow } from "./sound.js";
import { announce } from "./say.js";
import { pageTrial } from "./reach.js";

export const LOST_AFTER_MS = 10_000;
const LOOK_EVERY_MS = 500;
const BEAT_MS = 5000; // how often the server says that it lives
const BEAT_EVERY_MS = 30_000; // how often this page says so
const SAVE_EVERY_MS = 20_000;

let source = null;
let heardAt = performance.now();
let drewAt = performance.now();
let said = ""; // what the last beat said of drawing and sound
let opening = false;

function open() {
  source?.close();
  source = new EventSource(`/api/v1/stream?viewer=${viewer}&after=${store.seq}`);
  const on = (name, handle) => source.addEventListener(name, (event) => {
    heardAt = performance.now();
    if (event.lastEventId) store.seq = Number(event.lastEventId);
    handle(JSON.parse(event.data));
  });
  source.addEventListener("open", beat);
  on("beat", ({ time, pages }) => {
    setServerTime(time);
    if (store.pages !== pages) { store.pages = pages; changed("pages"); }
    if (store.lost) refetch();
  });
  on("alert", (alert) => {
    const before = store.alerts.get(alert.id);
    apply(alert);
    if (store.lost) refetch();
    if (alert.handling === "unacknowledged" && !alert.quiet && (!before || before.handling !== "unacknowledged" || before.count !== alert.count)) {
      announce(alert);
      soundNow();
    }
  });
  on("shown", ({ alert, shown, of }) => {
    store.shown.set(alert, [shown, of]);
    changed("shown");
  });
  on("gateway", (health) => {
    store.health = health;
    drawTroubles();
    changed("gateway");
  });
  on("evidence", ({ duty, proved, no_basis: noBasis, flood }) => {
    Object.assign(store, { duty, proved, noBasis, flood });
    changed("evidence");
  });
  on("trial", (trial) => pageTrial(trial));
  on("device", () => { store.deviceTick += 1; changed("device"); });
  on("reset", () => refetch());
}

// Everything anew. After lost contact this is what proves that contact is back.
async function refetch() {
  if (opening) return;
  opening = true;
  try {
    const answer = await fetch("/api/v1/board", { signal: AbortSignal.timeout(4000) });
    if (answer.status === 401) { location.assign("/signin"); return; }
    if (!answer.ok) return;
    const state = await answer.json();
    const doubtful = load(state);
    for (const alert of doubtful) settle(alert);
    heardAt = performance.now();
    drawTroubles();
    if (store.lost) contactBack();
  } catch { /* the next look tries again */ } finally { opening = false; }
}

// A card that the disk had not confirmed when contact broke: it stays until the server knows its id.
async function settle(alert) {
  const answer = await fetch(`/api/v1/alerts/${alert.id}`).catch(() => null);
  if (answer?.ok) { const { timeline: _, ...whole } = await answer.json(); apply(whole); }
}

function look() {
  const silent = performance.now() - heardAt;
  if (silent > LOST_AFTER_MS && !store.lost) contactLost(Date.now() - silent);
  // A browser waits longer and longer before it tries again, and not at all after a refusal: we ask ourselves.
  if (store.lost || source.readyState === EventSource.CLOSED) reopen();
  requestAnimationFrame(() => { drewAt = performance.now(); });
  if (said !== `${drawing()}/${free()}`) beat(); // what has changed is not news for the next half minute
}

const STILL_MS = 10_000;
const drawing = () => performance.now() - drewAt < STILL_MS && document.visibilityState === "visible";

const ASK_EVERY_MS = 1500;
let askAt = 0;
async function reopen() {
  if (performance.now() < askAt) return;
  askAt = performance.now() + ASK_EVERY_MS;
  const answer = await fetch("/healthz", { signal: AbortSignal.timeout(ASK_EVERY_MS), cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  await refetch();
  if (source.readyState !== EventSource.OPEN) open();
}

// An answer that did not come within 10 s: lost contact, unless the beats say that only the disk is slow.
export function noAnswer() {
  if (!store.lost && performance.now() - heardAt > BEAT_MS + 1000) contactLost(Date.now() - LOST_AFTER_MS);
}

// "I am drawing, and my sound is free": a screen that stops saying so is missed.
export function beat() {
  const is = { drawing: drawing(), sound: free() };
  said = `${is.drawing}/${is.sound}`;
  fetch("/api/v1/screens/beat", {
    method: "POST", headers: { "Content-Type": "application/json" }, keepalive: true,
    body: JSON.stringify({ ...is, viewer, version: boot.version, time: new Date(now()).toISOString() }),
  }).catch(() => {});
}

// The last board, for a page that opens without contact.
async function save() {
  if (!("caches" in window) || store.lost) return;
  const state = {
    now: new Date().toISOString(), alerts: [...store.alerts.values()].filter((a) => a.handling !== "resolved"), closed: [],
    shown: {}, pages: store.pages, seq: store.seq, health: store.health, duty: store.duty, proved: store.proved,
    no_basis: store.noBasis, flood: store.flood, me: store.me,
  };
  const cache = await caches.open("velgate-board");
  await cache.put("/last-board.json", new Response(JSON.stringify(state), { headers: { "Content-Type": "application/json" } }));
}

const STALE_MS = 30_000;

export async function startLive() {
  const age = Date.now() - Date.parse(boot.state.now);
  if (age > STALE_MS && "caches" in window) {
    // This page came out of the service worker's keeping: say so at once, and show the last board there was.
    const last = await caches.match("/last-board.json");
    const state = last ? await last.json() : boot.state;
    load(state);
    const ping = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
    if (!ping?.ok) contactLost(Date.parse(state.now));
    else await refetch();
  }
  open();
  drawTroubles();
  setInterval(look, LOOK_EVERY_MS);
  setInterval(beat, BEAT_EVERY_MS);
  setInterval(() => save().catch(() => {}), SAVE_EVERY_MS);
  addEventListener("visibilitychange", () => {
    drewAt = performance.now(); // frames come again from now on; if none does within seconds, that is told
    beat();
  });
}
