// What a screen reader says: new emergency and high at once, others at most once in 5 s. Focus is never taken.

import { el, lang, t } from "./boot.js";
import { short } from "./card.js";

const EVERY_MS = 5000;
let saidAt = 0;
let waiting = 0;

export function announce(alert) {
  const words = { place: alert.label, what: short(alert), do: alert.do[lang] ?? "" };
  if (["emergency", "high"].includes(alert.priority)) {
    document.getElementById("said-loud").textContent = t(`page.said.${alert.priority}`, words);
    return;
  }
  say(t("page.said.other", words));
}

export function say(text) {
  clearTimeout(waiting);
  const wait = Math.max(0, saidAt + EVERY_MS - Date.now());
  waiting = setTimeout(() => {
    saidAt = Date.now();
    document.getElementById("said").textContent = text;
  }, wait);
}

let gone = 0;
export function toast(text) {
  document.querySelector(".toast")?.remove();
  clearTimeout(gone);
  document.body.append(el("p", { class: "toast", role: "status" }, text));
  gone = setTimeout(() => document.querySelector(".toast")?.remove(), 5000);
}
