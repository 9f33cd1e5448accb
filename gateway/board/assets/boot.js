// What the page starts from: the state, the words, the time of the server.

export const boot = JSON.parse(document.getElementById("boot").textContent);
export const lang = boot.language;
export const site = boot.site;
export const viewer = Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(16).padStart(2, "0")).join("");

let offsetMs = 0; // server's clock minus this device's: durations are the server's business

export function setServerTime(iso) {
  offsetMs = Date.parse(iso) - Date.now();
}

export function now() {
  return Date.now() + offsetMs;
}

export function t(key, values) {
  const text = boot.words[key];
  if (text === undefined) return key;
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : text;
}

export const knows = (key) => key in boot.words;

// Words that end in the number to ring; without a number the sentence closes properly.
export function tPhone(key, values) {
  return t(key, { phone: site.phone, ...values }).replace(" .", ".");
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const m = Math.floor(whole / 60);
  const h = Math.floor(whole / 3600);
  if (whole < 60) return t("span.seconds", { s: whole });
  if (m < 60) return whole % 60 ? t("span.minutes_seconds", { m, s: whole % 60 }) : t("span.minutes", { m });
  if (h < 48) return m % 60 ? t("span.hours_minutes", { h, m: m % 60 }) : t("span.hours", { h });
  return t("span.days", { d: Math.floor(h / 24) });
}

export function short(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}${lang === "da" ? "." : ":"}${String(whole % 60).padStart(2, "0")}`;
}

const local = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: site.zone,
});

export function hourMinute(ms) {
  const [hour, minute] = local.format(ms).split(":");
  return [Number(hour), Number(minute)];
}

export function clock(ms) {
  const [hour, minute] = local.format(ms).split(":");
  return `${hour}${lang === "da" ? "." : ":"}${minute}`;
}

export function seconds(ms) {
  const text = (ms / 1000).toFixed(1);
  return lang === "da" ? text.replace(".", ",") : text;
}

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "onclick") made.addEventListener("click", value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function kept(key, fallback = null) {
  try { return localStorage.getItem(`velgate.${key}`) ?? fallback; } catch { return fallback; }
}

export function keep(key, value) {
  try { localStorage.setItem(`velgate.${key}`, value); } catch { /* a browser without storage forgets */ }
}
