// The start of a shift: home screen where iOS wants it, leave to push, sound, a trial; each only where needed.
// A browser sounds only after a touch, and asks for leave only then: so each step is one button.

import { el, t } from "./boot.js";
import { ask } from "./act.js";
import { beat } from "./live.js";
import { able, needsHomeScreen, offered, permission, subscribe, subscribed } from "./push.js";
import { ownTrial } from "./reach.js";
import { blocked, play, tryQuietly, turnOff, unlock } from "./sound.js";
import { toast } from "./say.js";
import { store } from "./store.js";

const STARTED = "velgate.started";
const started = () => { try { return sessionStorage.getItem(STARTED) === "1"; } catch { return false; } };
const remember = () => { try { sessionStorage.setItem(STARTED, "1"); } catch { /* asks again next time */ } };

const button = (words, does, more = {}) => el("button", { type: "button", class: "act", onclick: does, ...more }, words);
const link = (words, does, id) => el("button", { type: "button", class: "link-button", id, onclick: does }, words);

// Shows one step; gives what its buttons say.
function step(place, draw) {
  return new Promise((done) => {
    place.replaceChildren(...draw(done));
    place.querySelector("button")?.focus();
  });
}

const SHARE = "M12 3v12M8 7l4-4 4 4M6 11H5v9h14v-9h-1";
const ADD = "M5 5h14v14H5zM12 8v8M8 12h8";
const OPEN = "M7 3h10v18H7zM10 18h4M9 6h6v6H9z";

function picture(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const homeScreen = (place) => step(place, (done) => [
  el("h1", { id: "start" }, t("page.reach.home_title")),
  el("p", {}, t("page.reach.home_why")),
  el("ol", { class: "guide" }, ...[[SHARE, "home_share"], [ADD, "home_add"], [OPEN, "home_open"]].map(([path, key]) => el("li", {}, picture(path), el("span", {}, t(`page.reach.${key}`))))),
  link(t("page.reach.without"), done, "without-push"),
]);

const told = (place, title, why) => step(place, (done) => [
  el("h1", { id: "start" }, title), el("p", {}, why), button(t("page.reach.go_on"), done),
]);

// Leave to push. Where it was given before, this browser says again whose page it is now.
async function allow(place) {
  if (needsHomeScreen()) { await homeScreen(place); return; }
  if (!able()) return;
  if (permission() === "default") {
    const wanted = await step(place, (done) => [
      el("h1", { id: "start" }, t("page.reach.allow_title")),
      el("p", {}, t("page.reach.allow_why")),
      button(t("page.reach.allow"), async () => { await Notification.requestPermission(); done(true); }, { id: "allow-push" }),
      link(t("page.reach.without"), () => done(false), "without-push"),
    ]);
    if (!wanted) return;
  }
  if (permission() === "denied") await told(place, t("page.reach.denied_title"), t("page.reach.denied_why"));
  else if (permission() === "granted" && !await subscribe()) await told(place, t("page.reach.failed_title"), t("page.reach.failed_why"));
}

// Sound: plays, and asks whether it was heard. Gives whether it was.
function sound(place) {
  return step(place, (done) => {
    const heard = () => {
      place.replaceChildren(
        el("h1", { id: "start" }, t("sound.hear_ask")),
        button(t("page.sound.heard_yes"), () => done(true), { "data-heard": "yes" }),
        button(t("page.sound.again"), () => play("trial"), { class: "act plain" }),
        button(t("page.sound.heard_no"), () => { place.querySelector("p").hidden = false; play("trial"); }, { class: "act plain" }),
        el("p", { hidden: true }, t("page.sound.heard_help")));
      place.querySelector("button").focus();
    };
    return [
      el("h1", { class: "away", id: "start" }, t("sound.start")),
      button(t("sound.start"), async () => { if (await unlock()) { play("trial"); heard(); } else done(false); }, { id: "start-sound" }),
      el("p", {}, t("page.sound.hint")),
      link(t("page.sound.without"), () => { turnOff(); done(false); }, "without-sound"),
    ];
  });
}

async function screen() {
  const place = el("section", { class: "start", "aria-labelledby": "start" });
  document.body.append(place);
  if (offered()) await allow(place);
  const heard = await sound(place);
  const phone = await subscribed();
  if (phone) await ownTrial(place);
  remember();
  place.remove();
  beat();
  if (heard && !phone) { await ask("/api/v1/shift/reached"); toast(t("page.sound.reached")); }
}

export function startShift() {
  tryQuietly();
  // Any touch frees the sound that the browser held back.
  addEventListener("pointerdown", () => { if (blocked() && (started() || !store.me.person)) tryQuietly(); }, true);
  if (store.me.person && !started()) screen();
}
