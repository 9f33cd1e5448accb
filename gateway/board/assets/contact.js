// The bar over everything: no contact, or contact with a gateway that hears, keeps or tells the time no more.

import { clock, el, now, t, tPhone } from "./boot.js";
import { frozen, whenThawed } from "./freeze.js";
import { changed, onBoard, onChange, store } from "./store.js";

const ROUNDS_MS = 30 * 60_000;
const BACK_MS = 10_000;
const UNKEPT_MS = 2000;
const bar = document.getElementById("contact");
let roundsUntil = 0;
let roundsAt = null;
let shown = "";
let backUntil = 0;
let backText = "";

const sentence = (text) => { // the first sentence is what is read from afar
  const end = text.indexOf(". ") + 1;
  return end > 0 ? [el("strong", {}, text.slice(0, end)), text.slice(end)] : [el("strong", {}, text)];
};

function draw(mark, texts, { rounds = false, slim = false, back = false } = {}) {
  if (frozen()) { whenThawed(drawTroubles); return; }
  const whole = `${mark}|${texts.join("|")}|${rounds && roundsUntil > Date.now() ? roundsUntil : ""}`;
  if (whole === shown) return;
  shown = whole;
  bar.className = `contact${slim ? " slim" : ""}${back ? " back" : ""}`;
  bar.replaceChildren(...texts.map((text) => el("p", {}, ...sentence(text))));
  if (rounds) {
    bar.append(Date.now() < roundsUntil
      ? el("p", {}, t("page.contact.rounds_on", { time: clock(roundsUntil + now() - Date.now()) }))
      : el("button", { type: "button", id: "rounds", onclick: doRounds }, t("contact.rounds")));
  }
  bar.hidden = false;
}

function clear() {
  if (!shown) return;
  if (frozen()) { whenThawed(drawTroubles); return; }
  shown = "";
  bar.hidden = true;
  bar.replaceChildren();
}

function doRounds() {
  roundsUntil = Date.now() + ROUNDS_MS;
  roundsAt = new Date().toISOString();
  if (store.lost) { store.lost.quiet = true; store.lost.rounds = roundsAt; }
  drawTroubles();
}

export function contactLost(sinceMs) {
  store.lost = { since: sinceMs, quiet: Date.now() < roundsUntil, rounds: null, known: new Set(store.alerts.keys()) };
  document.body.classList.add("stale");
  drawTroubles();
  changed("contact");
}

export function contactBack() {
  const { since, rounds, known } = store.lost;
  const count = [...store.alerts.values()].filter((alert) => onBoard(alert) && alert.handling !== "resolved" && !known.has(alert.id)).length;
  store.lost = null;
  roundsUntil = 0;
  document.body.classList.remove("stale");
  backUntil = Date.now() + BACK_MS;
  backText = t("contact.back", { count });
  drawTroubles();
  fetch("/api/v1/rounds", {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ since: new Date(since).toISOString(), pressed: rounds }),
  }).catch(() => {});
  changed("contact");
}

const unkept = new Map();
function journalFails() {
  if ((store.health.rooms ?? []).some((room) => room.name === "journal" && room.state === "stopped")) return true;
  for (const [id] of unkept) if (store.alerts.get(id)?.durable !== false) unkept.delete(id);
  for (const alert of store.alerts.values()) if (!alert.durable && !unkept.has(alert.id)) unkept.set(alert.id, Date.now());
  return [...unkept.values()].some((at) => Date.now() - at > UNKEPT_MS);
}

export function drawTroubles() {
  if (store.lost) {
    const offset = now() - Date.now();
    if (store.lost.quiet && Date.now() >= roundsUntil) store.lost.quiet = false;
    draw("lost", [tPhone("contact.lost", { time: clock(store.lost.since + offset) })], { rounds: true });
    return;
  }
  if (Date.now() < backUntil) { draw("back", [backText], { back: true }); return; }
  const adapters = store.health.adapters ?? [];
  if (adapters.length && adapters.every((adapter) => adapter.state !== "up")) draw("radio", [tPhone("page.contact.radio")], { rounds: true });
  else if (journalFails()) draw("journal", [tPhone("page.contact.journal")], { rounds: true });
  else if (store.health.clock === "unsynced") draw("clock", [tPhone("page.contact.clock")], { slim: true });
  else clear();
}

onChange(() => { if (!store.lost) drawTroubles(); });
setInterval(drawTroubles, 1000);
