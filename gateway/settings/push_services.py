"""The push services of the browsers, by host: whom a phone may name as the carrier of its pushes."""

from __future__ import annotations

from typing import Final

PUSH_SERVICES: Final = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""Of Chrome and most others on Android; of Firefox; of Safari on iPhone and Mac; of Edge on Windows."""
