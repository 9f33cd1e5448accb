// Questions, one a sheet. Escape or a press outside closes; nothing is done then.

import { clock, el, now, span, t } from "./boot.js";
import { store } from "./store.js";

let open = null;
export const sheetOpen = () => open !== null;

function show(build) {
  open?.close();
  return new Promise((done) => {
    const dialog = el("dialog", { "aria-labelledby": "sheet-title" });
    const finish = (value) => { if (open === dialog) open = null; dialog.remove(); done(value); };
    dialog.append(build(finish));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); finish(null); });
    dialog.addEventListener("close", () => finish(null));
    dialog.addEventListener("pointerdown", (event) => { if (event.target === dialog) finish(null); });
    document.body.append(dialog);
    open = dialog;
    dialog.showModal();
  });
}

const where = (alert) => alert && el("p", { class: "where" }, alert.label);

// One of a few answers. `grid`: two columns of 64 px, chosen by 1 to 9 as well.
export function choose(title, options, { alert = null, text = null, grid = false, said = null } = {}) {
  return show((done) => {
    const buttons = options.map(([value, words], index) => el("button", {
      type: "button", class: grid ? "act" : "act plain", "data-value": value, onclick: () => done(value),
    }, words, grid && el("kbd", { "aria-hidden": "true" }, String(index + 1))));
    const sheet = el("div", { class: "sheet" },
      el("h2", { id: "sheet-title" }, title), where(alert), text && el("p", {}, text), said && el("p", { class: "wrong", role: "alert" }, said),
      el("div", { class: grid ? "grid" : "stack" }, ...buttons),
      el("div", { class: "stack" }, el("button", { type: "button", class: "act plain", onclick: () => done(null) }, t("page.cancel"))));
    sheet.addEventListener("keydown", (event) => {
      const index = Number(event.key) - 1;
      if (grid && options[index] && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); done(options[index][0]); }
    });
    return sheet;
  });
}

// A short text. Never empty.
export function write(title, { alert = null, hint = t("outcome.note_hint") } = {}) {
  return show((done) => {
    const field = el("textarea", { id: "sheet-text", rows: "3", maxlength: "280", "aria-describedby": "sheet-hint", required: true });
    const form = el("form", { class: "sheet" },
      el("h2", { id: "sheet-title" }, title), where(alert),
      el("label", { for: "sheet-text", class: "away" }, title), field,
      el("p", { class: "hint", id: "sheet-hint" }, hint),
      el("div", { class: "stack" }, el("button", { class: "act" }, t("page.sheet.go_on")), el("button", { type: "button", class: "act plain", onclick: () => done(null) }, t("page.cancel"))));
    form.addEventListener("submit", (event) => { event.preventDefault(); if (field.value.trim()) done(field.value.trim()); });
    return form;
  });
}

export function confirm(title, text, yes, { alert = null } = {}) {
  return choose(title, [["yes", yes]], { alert, text }).then((value) => value === "yes");
}

export function tell(title, text) {
  return show((done) => el("div", { class: "sheet" }, el("h2", { id: "sheet-title" }, title), ...text, el("div", { class: "stack" }, el("button", { type: "button", class: "act plain", onclick: () => done(null) }, t("page.close")))));
}

export function outcome(alert) {
  const options = ["assisted", "checked", "false_alarm", "test", "technical", "other"].map((value) => [value, t(`outcome.${value}`)]);
  return choose(t("page.sheet.outcome"), options, { alert, grid: true });
}

export function presence(alert) {
  return choose(t("outcome.ask_presence"), [["presence", t("outcome.yes")], ["spoken", t("page.sheet.presence_spoken")], ["no", t("outcome.no")]], { alert });
}

export function wasFall(alert) {
  return choose(t("outcome.ask_fall"), [["yes", t("outcome.yes")], ["no", t("outcome.no")], ["unknown", t("outcome.unknown")]], { alert });
}

const WAITS_MIN = { emergency: [5, 10, 15], high: [10, 20, 30], medium: [30, 60, 240, 480], technical: [60, 480, 1440, 10080] };

export async function shelf(alert) {
  const options = WAITS_MIN[alert.priority].map((minutes) => [String(minutes),
    t("page.sheet.shelve_until", { span: span(minutes * 60), time: clock(now() + minutes * 60_000) })]);
  const minutes = await choose(t("page.sheet.shelve"), options, { alert });
  if (!minutes) return null;
  const reason = await write(t("page.sheet.shelve_reason"), { alert });
  // A little under the limit, which the server judges by its own clock.
  return reason && { until: new Date(now() + Number(minutes) * 60_000 - 2000).toISOString(), reason };
}

const LONG = 16; // initials are shorter: what is longer came from a key card
const ASK_MS = 60_000;

// Who does this, on a screen that anybody may walk up to: initials and PIN, or a key card.
export function who(said = "", alert = null) {
  return show((done) => {
    const person = el("input", { id: "who-person", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false" });
    const pin = el("input", { id: "who-pin", type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "6" });
    const names = [...new Set(store.duty.flatMap((group) => group.persons.map((each) => each.person)))];
    const form = el("form", { class: "sheet" },
      el("h2", { id: "sheet-title" }, t("page.sheet.who")), where(alert),
      said && el("p", { class: "wrong", role: "alert" }, said),
      names.length > 0 && el("div", { class: "persons" }, ...names.map((name) => el("button", {
        type: "button", class: "choice", onclick: () => { person.value = name; pin.focus(); },
      }, name))),
      el("label", { for: "who-person" }, `${t("sign_in.person")} · ${t("page.sheet.key")}`), person,
      el("label", { for: "who-pin" }, t("sign_in.pin")), pin,
      el("div", { class: "stack" }, el("button", { class: "act" }, t("page.sheet.go_on")), el("button", { type: "button", class: "act plain", onclick: () => done(null) }, t("page.cancel"))));
    const timer = setTimeout(() => done(null), ASK_MS); // nobody leaves their initials standing on the wall
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = person.value.trim();
      if (name.length > LONG) { clearTimeout(timer); done({ key: name }); } else if (!name) person.focus();
      else if (!pin.value) pin.focus();
      else { clearTimeout(timer); done({ person: name, pin: pin.value }); }
    });
    return form;
  });
}
