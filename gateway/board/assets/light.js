// Day or night: by the home's night hours, or by hand until the shift ends.

import { boot, hourMinute, now } from "./boot.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const minutes = (text) => { const [h, m] = text.split(":").map(Number); return h * 60 + m; };

function night() {
  const [h, m] = hourMinute(now());
  const at = h * 60 + m;
  const [begins, ends] = boot.site.night.map(minutes);
  return begins <= ends ? at >= begins && at < ends : at >= begins || at < ends;
}

// When the shift ends: the next time night begins or ends.
function untilMs() {
  const [h, m] = hourMinute(now());
  const left = boot.site.night.map((text) => (minutes(text) - h * 60 - m + 1440) % 1440 || 1440);
  return now() + Math.min(...left) * 60_000;
}

function choice() {
  const kept = document.cookie.split("; ").find((part) => part.startsWith("velgate_light="))?.slice(14) ?? "";
  const [light, until] = decodeURIComponent(kept).split("|");
  return ["day", "night"].includes(light) && Number(until) * 1000 > now() ? light : "auto";
}

function apply() {
  const chosen = choice();
  const asked = !root.dataset.screen && dark.matches; // a phone that is dark by itself stays so
  const light = chosen !== "auto" ? chosen : night() || asked ? "night" : "day";
  root.dataset.light = light;
  root.dataset.choice = chosen;
  document.querySelector('meta[name="theme-color"]').content = light === "night" ? "#101214" : "#F3F5F7";
  for (const button of document.querySelectorAll("[data-light-choice]")) button.setAttribute("aria-pressed", String(button.dataset.lightChoice === chosen));
}

export function chooseLight(light) {
  const until = Math.round(untilMs() / 1000);
  document.cookie = light === "auto"
    ? "velgate_light=; Path=/; Max-Age=0; SameSite=Strict"
    : `velgate_light=${encodeURIComponent(`${light}|${until}`)}; Path=/; Max-Age=${Math.round((untilMs() - now()) / 1000)}; SameSite=Strict`;
  apply();
}

export function startLight() {
  apply();
  dark.addEventListener("change", apply);
  setInterval(apply, 20_000);
}
