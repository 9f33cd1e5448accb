// The way from a button to an action, with the questions that belong to it.

import { t } from "./boot.js";
import { act } from "./act.js";
import { menu } from "./card.js";
import { choose, confirm, outcome, presence, shelf, wasFall, write } from "./sheets.js";
import { toast } from "./say.js";
import { store } from "./store.js";
import { openDetail } from "./views.js";

const mustBeSeen = (alert) => ["emergency", "high"].includes(alert.priority) && alert.concern !== "technical" && !alert.present && !alert.test;

async function seen(alert) {
  const answer = await presence(alert);
  if (answer === "presence") return { presence: true };
  if (answer === "spoken") return { spoken: true };
  if (answer === "no") toast(t("page.sheet.presence_needed"));
  return null;
}

async function resolve(alert) {
  const chosen = await outcome(alert);
  if (!chosen) return;
  const fields = { outcome: chosen, rev: alert.rev };
  if (chosen === "other") {
    fields.note = await write(t("page.sheet.note"), { alert });
    if (!fields.note) return;
  }
  if (chosen === "assisted" && alert.kind === "fall.detected") {
    fields.was_fall = await wasFall(alert);
    if (!fields.was_fall) return;
  }
  if (mustBeSeen(alert)) {
    const been = await seen(alert);
    if (!been) return;
    Object.assign(fields, been);
  }
  const done = await act(alert.id, "resolve", fields);
  if (done.code === "presence_missing") {
    const been = await seen(alert);
    if (been) await act(alert.id, "resolve", { ...fields, ...been });
  }
}

async function shelve(alert) {
  const fields = await shelf(alert);
  if (!fields) return;
  const done = await act(alert.id, "shelve", fields);
  if (done.code === "presence_missing") {
    const answer = await presence(alert);
    if (answer === "spoken") await act(alert.id, "shelve", { ...fields, spoken: true });
    else if (answer === "presence" && (await act(alert.id, "presence", { how: "page" })).ok) await act(alert.id, "shelve", fields);
    else if (answer === "no") toast(t("page.sheet.presence_needed"));
  }
}

const DEEDS = {
  acknowledge: (alert) => act(alert.id, "acknowledge"),
  join: (alert) => act(alert.id, "join"),
  presence: (alert) => act(alert.id, "presence", { how: "page" }),
  extend: (alert) => act(alert.id, "extend"),
  release: (alert) => act(alert.id, "release"),
  reopen: (alert) => act(alert.id, "reopen"),
  resolve,
  shelve,
  detail: (alert) => openDetail(alert.id),
  async assist(alert) {
    if (await confirm(t("page.sheet.assist"), t("page.sheet.assist_text", { place: alert.label }), t("action.assist"))) await act(alert.id, "assist");
  },
  async take_over(alert) {
    if (await confirm(t("action.take_over"), t("page.sheet.take_over", { by: alert.taken?.by ?? "–" }), t("action.take_over"), { alert })) await act(alert.id, "acknowledge", { take_over: true });
  },
  async object(alert) {
    if (await confirm(t("action.object"), t("page.sheet.object_text", { place: alert.label }), t("page.sheet.object_yes"))) {
      const done = await act(alert.id, "object");
      if (done.ok) toast(t("page.sheet.object_done"));
    }
  },
};

export async function perform(action, id) {
  let alert = store.alerts.get(id);
  if (!alert) {
    const answer = await fetch(`/api/v1/alerts/${id}`).catch(() => null);
    if (!answer?.ok) return;
    alert = await answer.json();
  }
  await DEEDS[action]?.(alert);
}

export async function openMenu(id) {
  const alert = store.alerts.get(id);
  if (!alert) return;
  const words = { detail: "page.timeline" };
  const chosen = await choose(alert.label, menu(alert).map((action) => [action, t(words[action] ?? `action.${action}`)]));
  if (chosen) await perform(chosen, id);
}
