// The staff page, brought to life.

import { boot } from "./boot.js";
import { load, store } from "./store.js";
import { startBoard, settling } from "./layout.js";
import { startKeys } from "./keys.js";
import { startLight } from "./light.js";
import { startLive } from "./live.js";
import { startSound } from "./sound.js";
import { startPush } from "./push.js";
import { startShift } from "./start.js";
import { startShown } from "./shown.js";
import { openMenu, perform } from "./deeds.js";
import { go, openDetail, startViews } from "./views.js";

history.scrollRestoration = "manual";
load(boot.state);
startLight();
startSound();
startBoard();
startViews();
startKeys();
startPush();
startShift();
startLive();
startShown();

// One place for every tap on a card.
document.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (!card) return;
  const button = event.target.closest("[data-action], .menu");
  if (event.detail > 0 && settling(card)) { event.preventDefault(); return; } // it has only just come here
  if (!button) {
    if (card.closest("#board") && !event.target.closest("a") && !getSelection()?.toString()) openDetail(card.dataset.id);
    return;
  }
  event.preventDefault();
  if (store.lost || button.disabled) return;
  if (button.classList.contains("menu")) openMenu(card.dataset.id);
  else perform(button.dataset.action, card.dataset.id);
});
document.addEventListener("submit", (event) => { if (event.target.closest(".card")) event.preventDefault(); });
document.getElementById("wait").addEventListener("click", (event) => {
  event.preventDefault();
  go("/");
  scrollTo({ top: 0 });
});
if (location.pathname !== "/") go(location.pathname, { push: false });

if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
document.documentElement.dataset.alive = "1";
