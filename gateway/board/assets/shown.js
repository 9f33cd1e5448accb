// Says back which alerts this page has really drawn: the card then tells everybody on how many it was shown.

import { viewer } from "./boot.js";
import { cardOf } from "./layout.js";
import { onBoard, onChange, store, unanswered } from "./store.js";

const told = new Set(); // by alert and step: each step's own telling is answered
const key = (alert) => `${alert.id}/${alert.cycle}/${alert.step}`;

function tell() {
  if (document.visibilityState !== "visible" || store.lost) return;
  requestAnimationFrame(() => {
    for (const alert of store.alerts.values()) {
      if (told.has(key(alert)) || !onBoard(alert) || !unanswered(alert) || !cardOf(alert.id)?.isConnected) continue;
      told.add(key(alert));
      fetch(`/api/v1/alerts/${alert.id}/shown`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ viewer }),
      }).catch(() => told.delete(key(alert)));
    }
  });
}

export function startShown() {
  onChange((what) => {
    if (what === "contact" || what === "load") told.clear();
    tell();
  });
  addEventListener("visibilitychange", tell);
  tell();
}
