// Own tones, made here: more pulses and shorter pauses mean more urgent. One schedule for all.

import { boot, clock, hourMinute, keep, kept, now, t } from "./boot.js";
import { frozen, whenThawed } from "./freeze.js";
import { changed, mine, onBoard, store, unanswered } from "./store.js";

const MUTE_MS = 120_000;
const LOST_EVERY_MS = 15_000;
const MEDIUM_AGAIN_MS = 600_000;
const NIGHT_LEAST = 0.6; // of the page's own volume: the device's, no page can see
const WARN_MS = 120_000;

let context = null;
let on = kept("sound", "on") === "on";
let volume = Number(kept("volume", "0.8"));
let muted = null; // {until, ids}: what stood when somebody pressed; anything new sounds anyway
let nextAt = 0;
let lostAt = 0;
const mediumAt = new Map();
const warned = new Set();

export const running = () => on && context?.state === "running";
// A context may say that it runs and play nothing: the device behind it has gone. Its own time stands still then.
let flowed = { time: -1, at: performance.now() };
const STUCK_MS = 5000;
export function free() {
  const time = context?.currentTime ?? -1;
  if (time !== flowed.time) flowed = { time, at: performance.now() };
  return running() && performance.now() - flowed.at < STUCK_MS;
}
export const blocked = () => on && context?.state !== "running";

const mark = (alert) => `${alert.id}/${alert.count}/${alert.returned}`;

export function hushed(alert) {
  return !!alert && !!muted && now() < muted.until && muted.ids.has(mark(alert));
}

// A person's page sounds for what was sent to them; a wall screen sounds for all.
export function meant(alert) {
  const { targets } = store.me;
  const asked = alert.asked.filter((to) => to !== "page"); // the page everybody may look at
  return !targets || !asked.length || asked.some((to) => targets.includes(to));
}

function loud(priority) {
  return [...store.alerts.values()].filter((alert) =>
    alert.priority === priority && !alert.quiet && onBoard(alert) && unanswered(alert) && meant(alert) && !hushed(alert));
}

export async function unlock() {
  on = true;
  keep("sound", "on");
  context ??= new AudioContext();
  if (context.state !== "running") await Promise.race([context.resume(), new Promise((done) => { setTimeout(done, 400); })]);
  show();
  return context.state === "running";
}

export function tryQuietly() {
  if (!on) { show(); return; }
  context ??= new AudioContext();
  context.onstatechange = show;
  if (context.state !== "running") context.resume().catch(() => {});
  show();
}

export function turnOff() { on = false; keep("sound", "off"); show(); }
export function setVolume(value) { volume = value; keep("volume", String(value)); }
export const getVolume = () => volume;

function isNight() {
  const [hour, minute] = hourMinute(now());
  const at = hour * 60 + minute;
  const [begins, ends] = boot.site.night.map((text) => { const [h, m] = text.split(":").map(Number); return h * 60 + m; });
  return begins <= ends ? at >= begins && at < ends : at >= begins || at < ends;
}

function pulse(at, frequency, length, to = frequency) {
  const tone = context.createOscillator();
  const over = context.createOscillator();
  const gain = context.createGain();
  const level = (isNight() ? Math.max(volume, NIGHT_LEAST) : volume) * 0.5;
  tone.type = "triangle";
  over.type = "sine";
  tone.frequency.setValueAtTime(frequency, at);
  over.frequency.setValueAtTime(frequency * 2.01, at);
  if (to !== frequency) { tone.frequency.linearRampToValueAtTime(to, at + length); over.frequency.linearRampToValueAtTime(to * 2.01, at + length); }
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(level, at + 0.02);
  gain.gain.setValueAtTime(level, at + length - 0.05);
  gain.gain.linearRampToValueAtTime(0, at + length);
  tone.connect(gain);
  over.connect(gain);
  gain.connect(context.destination);
  for (const each of [tone, over]) { each.start(at); each.stop(at + length + 0.01); }
}

const PLAY = {
  emergency(at) { for (const round of [0, 1.5]) for (const beat of [0, 0.2, 0.4, 0.75, 0.95]) pulse(at + round + beat, beat < 0.7 ? 932 : 1245, 0.14); },
  high(at) { for (const beat of [0, 0.3, 0.6]) pulse(at + beat, 740, 0.2); },
  medium(at) { pulse(at, 587, 0.18); pulse(at + 0.24, 494, 0.22); },
  lost(at) { pulse(at, 660, 0.45, 440); pulse(at + 0.6, 495, 0.6, 330); },
  warn(at) { pulse(at, 880, 0.3); },
  trial(at) { pulse(at, 587, 0.18); pulse(at + 0.25, 740, 0.18); pulse(at + 0.5, 932, 0.3); },
};

export const played = []; // what sounded, for whoever wants to know; the last 50

export function play(name) {
  if (!running()) return false;
  PLAY[name](context.currentTime + 0.02);
  played.push({ name, at: Date.now() });
  if (played.length > 50) played.shift();
  return true;
}

function schedule() {
  const at = performance.now();
  const emergencies = loud("emergency");
  const highs = loud("high");
  if (emergencies.length) {
    const every = emergencies.some((alert) => alert.step > 1) ? 5000 : 10_000;
    if (at >= nextAt || nextAt - at > every) { play("emergency"); nextAt = at + every; }
  } else if (highs.length) {
    if (at >= nextAt || nextAt - at > 25_000) { play("high"); nextAt = at + 25_000; }
  } else nextAt = Math.min(nextAt, at);
  for (const alert of isNight() ? [] : loud("medium")) {
    if (!mediumAt.has(alert.id)) { play("medium"); mediumAt.set(alert.id, at + MEDIUM_AGAIN_MS); }
    else if (at >= mediumAt.get(alert.id)) { play("medium"); mediumAt.set(alert.id, Infinity); }
  }
  if (store.lost && !store.lost.quiet && at >= lostAt) { play("lost"); lostAt = at + LOST_EVERY_MS; }
  for (const alert of store.alerts.values()) {
    const key = `${alert.id}/${alert.taken?.return_at}`;
    if (mine(alert) && Date.parse(alert.taken.return_at) - now() < WARN_MS && !warned.has(key)) {
      warned.add(key);
      play("warn");
      navigator.vibrate?.([200, 100, 200]);
    }
  }
  if (muted && now() >= muted.until) { muted = null; changed("sound"); }
  show();
}

// A call that has just come sounds at once, whatever rhythm ran before.
export function soundNow() { nextAt = 0; schedule(); }

export function mute() {
  const standing = [...store.alerts.values()].filter((alert) => onBoard(alert) && unanswered(alert));
  muted = { until: now() + MUTE_MS, ids: new Set(standing.map(mark)) };
  changed("sound");
  show();
}

export function show() {
  if (frozen()) { whenThawed(show); return; }
  const button = document.getElementById("sound");
  const text = document.getElementById("sound-text");
  const sounding = ["emergency", "high", "medium"].some((priority) => loud(priority).length);
  const quiet = muted && now() < muted.until;
  let words = t("sound.on");
  if (!on) words = t("page.sound.off");
  else if (blocked()) words = t("sound.blocked");
  else if (quiet) words = t("page.sound.quiet", { time: clock(muted.until) });
  else if (sounding) words = t("action.mute");
  const does = blocked() ? "unlock" : !on ? "on" : sounding && !quiet ? "mute" : "trial";
  if (text.textContent !== words) { text.textContent = words; button.setAttribute("aria-label", words); }
  button.hidden = false;
  button.dataset.does = does;
  button.className = `sound${blocked() ? " blocked" : quiet ? " quiet" : ""}`;
  button.querySelector("use").setAttribute("href", on && !blocked() && !quiet ? "#i-sound" : "#i-mute");
}

export function startSound() {
  document.getElementById("sound").addEventListener("click", async (event) => {
    switch (event.currentTarget.dataset.does) {
      case "unlock": case "on": if (await unlock()) play("trial"); break;
      case "mute": mute(); break;
      default: play("trial");
    }
  });
  setInterval(schedule, 250);
}
