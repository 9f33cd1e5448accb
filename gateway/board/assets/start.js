// The start of a shift: one button, because a browser sounds only after a touch. It plays, and asks.

import { el, t } from "./boot.js";
import { ask } from "./act.js";
import { beat } from "./live.js";
import { blocked, play, tryQuietly, turnOff, unlock } from "./sound.js";
import { toast } from "./say.js";
import { store } from "./store.js";

const STARTED = "velgate.started";
const started = () => { try { return sessionStorage.getItem(STARTED) === "1"; } catch { return false; } };
const remember = () => { try { sessionStorage.setItem(STARTED, "1"); } catch { /* asks again next time */ } };

function screen() {
  const place = el("section", { class: "start", "aria-labelledby": "start" });
  const close = () => { remember(); place.remove(); beat(); };
  const heard = () => {
    place.replaceChildren(
      el("h1", { id: "start" }, t("sound.hear_ask")),
      el("button", { type: "button", class: "act", "data-heard": "yes", onclick: async () => { close(); await ask("/api/v1/shift/reached"); toast(t("page.sound.reached")); } }, t("page.sound.heard_yes")),
      el("button", { type: "button", class: "act plain", onclick: () => play("trial") }, t("page.sound.again")),
      el("button", { type: "button", class: "act plain", onclick: () => { place.querySelector("p").hidden = false; play("trial"); } }, t("page.sound.heard_no")),
      el("p", { hidden: true }, t("page.sound.heard_help")));
    place.querySelector("button").focus();
  };
  place.append(
    el("h1", { class: "away", id: "start" }, t("sound.start")),
    el("button", { type: "button", class: "act", id: "start-sound", onclick: async () => { if (await unlock()) { play("trial"); heard(); } else close(); } }, t("sound.start")),
    el("p", {}, t("page.sound.hint")),
    el("button", { type: "button", class: "link-button", id: "without-sound", onclick: () => { turnOff(); close(); } }, t("page.sound.without")));
  document.body.append(place);
}

export function startShift() {
  tryQuietly();
  // Any touch frees the sound that the browser held back.
  addEventListener("pointerdown", () => { if (blocked() && (started() || !store.me.person)) tryQuietly(); }, true);
  if (store.me.person && !started()) screen();
}
