// The four views and the detail: the calls live here, the others are drawn by the server and swapped in.

import { el, seconds, t } from "./boot.js";
import { ask } from "./act.js";
import { perform } from "./deeds.js";
import { frozen } from "./freeze.js";
import { render } from "./layout.js";
import { keysHelp, keysOn, setKeys } from "./keys.js";
import { chooseLight } from "./light.js";
import { getVolume, play, setVolume, unlock } from "./sound.js";
import { toast } from "./say.js";
import { able, offered, permission, subscribe, subscribed, unsubscribe } from "./push.js";
import { ownTrial, tryAll } from "./reach.js";
import { mine, onChange, store } from "./store.js";
import { choose } from "./sheets.js";

const AGAIN_MS = 20_000;
const SOON_MS = 1200;
const calls = document.getElementById("calls-view");
const view = document.getElementById("view");
let path = location.pathname;
let loaded = 0;
let soon = 0;
const replaced = new Map(); // device → when its battery was said to be changed

const NAMES = { "/": "calls", "/devices": "devices", "/shift": "shift", "/more": "more", "/signout": "more" };
const nameOf = (where) => NAMES[where] ?? "calls";
export const atCalls = () => path === "/";

export function go(where, { push = true } = {}) {
  path = where;
  if (push && location.pathname !== where) history.pushState(null, "", where);
  document.getElementById("main").dataset.view = nameOf(where);
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.dataset.view === nameOf(where)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  scrollTo({ top: 0 });
  calls.hidden = where !== "/";
  view.hidden = where === "/";
  if (where === "/") { view.replaceChildren(); render(); } else load(where);
}

export const openDetail = (id) => go(`/alert/${id}`);

async function load(where) {
  const answer = await fetch(`${where}?fragment=1`).catch(() => null);
  if (path !== where) return;
  if (answer?.status === 401 || answer?.redirected) { location.assign("/signin"); return; }
  if (!answer || !answer.ok) { if (!view.childElementCount) view.replaceChildren(el("p", { class: "calm" }, t("page.no_contact"))); return; }
  const text = await answer.text();
  if (path !== where) return;
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector(".fragment");
  view.replaceChildren(...fresh.childNodes);
  loaded = performance.now();
  dress();
}

// What the server could not know: this device's own settings.
function dress() {
  const volume = view.querySelector("[data-volume]");
  if (volume) volume.value = String(Math.round(getVolume() * 100));
  const keys = view.querySelector("[data-keys]");
  if (keys) { keys.textContent = t(keysOn() ? "page.more.keys_on" : "page.more.keys_off"); keys.setAttribute("aria-pressed", String(keysOn())); }
  const phone = view.querySelector("[data-phone]");
  if (phone) dressPhone(phone);
  for (const button of view.querySelectorAll("[data-replace]")) {
    const at = replaced.get(button.dataset.replace);
    if (at === undefined) continue;
    const heard = Number(button.dataset.heard) / 1e6;
    button.replaceWith(el("p", { class: "calm", role: "status" }, t(heard > at ? "page.devices.replace_done" : "page.devices.replace_waiting")));
  }
}

// A shift is taken over: what others have, one by one and each asked; then who can be reached.
async function handOver(button) {
  const others = [...store.alerts.values()].filter((alert) => alert.handling === "acknowledged" && !mine(alert));
  for (const alert of others) await perform("take_over", alert.id);
  document.getElementById("reach-list")?.scrollIntoView({ block: "center" });
  await tryAll(button);
}

// Whether pushes come to this phone; asked of the browser, which may have taken the leave back.
async function dressPhone(section) {
  section.hidden = !offered() || !able();
  const on = await subscribed();
  section.querySelector("[data-phone-state]").textContent = t(on ? "page.reach.phone_on" : permission() === "denied" ? "page.reach.denied_why" : "page.reach.phone_off");
  section.querySelector("[data-phone-stop]").hidden = !on;
  section.querySelector("[data-phone-try]").textContent = t(on ? "page.reach.phone_try" : "page.reach.allow");
  section.querySelector("[data-phone-try]").hidden = permission() === "denied";
}

async function phoneTrial() {
  if (permission() === "default") await Notification.requestPermission();
  if (permission() !== "granted" || !await subscribe()) { toast(t("page.reach.failed_title")); dress(); return; }
  dress();
  const place = el("section", { class: "start", "aria-labelledby": "start" });
  document.body.append(place);
  await ownTrial(place);
  place.remove();
  dress();
}

// Drawn anew where something changed, and never under somebody's hands.
function refresh() {
  if (path === "/" || store.lost || frozen()) return;
  const typing = view.querySelector("textarea, input:not([type=range])");
  if ((typing && (typing.value || typing === document.activeElement)) || view.contains(document.activeElement)) return;
  if (document.querySelector("dialog[open]")) return;
  load(path);
}

async function replace(device) {
  const answer = await ask(`/api/v1/devices/${device}/accept`);
  if (!answer) return;
  if (answer.status !== 200) { toast(t("page.failed")); return; }
  replaced.set(device, Date.now());
  dress();
}

async function test(button) {
  const device = button.dataset.test;
  button.disabled = true;
  button.textContent = t("page.devices.testing");
  const answer = await ask("/api/v1/alerts/test", { device });
  button.disabled = false;
  button.textContent = t("page.devices.test");
  if (!answer) return;
  const last = Math.max(0, ...(answer.body.hops ?? []).map((hop) => hop.ms ?? 0));
  toast(answer.body.ok ? t("page.devices.test_ok", { seconds: seconds(last) }) : t("page.devices.test_failed"));
}

async function note(form) {
  const answer = await ask("/api/v1/shift/notes", { text: form.elements.text.value });
  if (answer?.status === 201) { form.reset(); document.activeElement.blur(); load(path); } else if (answer) toast(t("page.failed"));
}

// Signing out with something taken asks; what is not finished is given back.
async function signOut() {
  const taken = [...store.alerts.values()].filter(mine).length;
  const options = taken
    ? [["stay", t("page.more.stay")], ["out", t("page.more.give_back")]]
    : [["out", t("sign_in.sign_out")]];
  const chosen = await choose(t("sign_in.sign_out"), options, { text: taken ? t("sign_in.leaving_ask", { count: taken }) : null });
  if (chosen === "stay") go("/");
  if (chosen !== "out") return;
  if ("caches" in window) await caches.delete("velgate-board").catch(() => {});
  sessionStorage.clear();
  const answer = await ask("/api/v1/session", { give_back: true }, "DELETE");
  if (answer) location.assign("/signin");
}

function clicked(event) {
  const hit = (selector) => event.target.closest(selector);
  const link = hit("a[href]");
  const handle = (does) => { event.preventDefault(); does(); };
  if (hit("[data-sign-out]")) handle(signOut);
  else if (hit("[data-replace]")) handle(() => replace(hit("[data-replace]").dataset.replace));
  else if (hit("[data-test]")) handle(() => test(hit("[data-test]")));
  else if (hit("[data-take-over]")) perform("take_over", hit("[data-take-over]").dataset.takeOver);
  else if (hit("[data-hand-over]")) handOver(hit("[data-hand-over]"));
  else if (hit("[data-reach]")) tryAll(hit("[data-reach]"));
  else if (hit("[data-phone-stop]")) handle(() => unsubscribe().finally(dress));
  else if (hit("[data-phone-try]")) handle(phoneTrial);
  else if (hit("[data-print]")) print();
  else if (hit("[data-light-choice]")) chooseLight(hit("[data-light-choice]").dataset.lightChoice);
  else if (hit("[data-keys-help]")) keysHelp();
  else if (hit("[data-keys]")) { setKeys(!keysOn()); dress(); }
  else if (hit("[data-sound-test]")) unlock().then((free) => (free ? play("trial") : toast(t("sound.blocked"))));
  else if (link && link.origin === location.origin && (link.pathname in NAMES || link.pathname.startsWith("/alert/")) && !link.classList.contains("act")
    && !link.classList.contains("menu") && !event.ctrlKey && !event.metaKey && event.button === 0) handle(() => go(link.pathname));
}

export function startViews() {
  document.addEventListener("click", clicked);
  view.addEventListener("submit", (event) => {
    if (event.target.matches("[data-note]")) { event.preventDefault(); note(event.target); }
  });
  view.addEventListener("input", (event) => { if (event.target.matches("[data-volume]")) setVolume(Number(event.target.value) / 100); });
  view.addEventListener("change", (event) => { if (event.target.matches("[data-volume]")) play("trial"); });
  addEventListener("popstate", () => go(location.pathname, { push: false }));
  onChange((what) => {
    if (path === "/" || what === "shown" || what === "pages" || what === "sound") return;
    clearTimeout(soon);
    soon = setTimeout(refresh, SOON_MS);
  });
  setInterval(() => { if (performance.now() - loaded > AGAIN_MS) refresh(); }, 5000);
  dress();
}
