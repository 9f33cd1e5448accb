// The keyboard: arrows choose a call, letters act on the one that is chosen, and only there.

import { el, keep, kept, t } from "./boot.js";
import { menu, stateOf } from "./card.js";
import { perform } from "./deeds.js";
import { mute } from "./sound.js";
import { sheetOpen, tell } from "./sheets.js";
import { store } from "./store.js";
import { atCalls, go, openDetail } from "./views.js";

const LETTERS = { t: "acknowledge", h: "presence", "+": "extend", g: "release", s: "assist", a: "resolve" };

export const keysOn = () => kept("keys", "on") === "on";
export const setKeys = (on) => keep("keys", on ? "on" : "off");

const cards = () => [...document.querySelectorAll("#board .card")];

function move(by) {
  const all = cards();
  const at = all.indexOf(document.activeElement?.closest?.(".card"));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
  next?.focus();
}

function may(action, alert) {
  const state = stateOf(alert);
  if (action === "acknowledge") return !["mine", "other", "closed"].includes(state);
  if (action === "presence") return state === "mine";
  return menu(alert).includes(action) || (action === "resolve" && state === "mine");
}

export function keysHelp() {
  const row = (key, words) => [el("kbd", {}, key), el("span", {}, words)];
  return tell(t("page.more.keys"), [el("div", { class: "keys" },
    ...row("↑ ↓", t("page.keys.move")), ...row("Enter", t("page.keys.open")),
    ...Object.entries(LETTERS).flatMap(([key, action]) => row(key.toUpperCase(), t(`action.${action}`))),
    ...row("M", t("action.mute")), ...row("1–6", t("page.keys.outcomes")), ...row("Esc", t("page.keys.close")), ...row("?", t("page.keys.help")))]);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || sheetOpen()) return;
  if (event.target.closest?.("input, textarea, select")) return;
  if (event.key === "Escape" && !atCalls()) { go("/"); return; }
  if (event.key === "?" && keysOn()) { event.preventDefault(); keysHelp(); return; }
  if (!atCalls()) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); return; }
  const card = document.activeElement?.closest?.("#board .card");
  if (!card) return;
  const alert = store.alerts.get(card.dataset.id);
  if (!alert) return;
  if (event.key === "Enter" && document.activeElement === card) { event.preventDefault(); openDetail(alert.id); return; }
  if (!keysOn()) return;
  const key = event.key.toLowerCase();
  if (key === "m") { event.preventDefault(); mute(); return; }
  const action = LETTERS[key];
  if (action && !store.lost && alert.durable && may(action, alert)) { event.preventDefault(); perform(action, alert.id); }
}

export function startKeys() { addEventListener("keydown", pressed); }
