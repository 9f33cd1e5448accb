// Says back which alerts this page has really drawn: the card then tells everybody on how many it was shown.

import { viewer } from "./boot.js";
import { cardOf } from "./layout.js";
import { onBoard, onChange, store, unanswered } from "./store.js";

const told = new Set();

function tell() {
  if (document.visibilityState !== "visible" || store.lost) return;
  requestAnimationFrame(() => {
    for (const alert of store.alerts.values()) {
      if (told.has(alert.id) || !onBoard(alert) || !unanswered(alert) || !cardOf(alert.id)?.isConnected) continue;
      told.add(alert.id);
      fetch(`/api/v1/alerts/${alert.id}/shown`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ viewer }),
      }).catch(() => told.delete(alert.id));
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
