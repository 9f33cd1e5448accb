"""docs/reference/words.md: every text of the catalogue, Danish beside English."""

from __future__ import annotations

from itertools import groupby

from docs.making import markdown
from docs.making.markdown import code, table
from gateway.model.catalogue import shipped

INTRODUCTION = """
What staff read and hear, Danish first. A municipality may lay other words over these, never other keys, and
never other `{values}`:

```toml
[wording.da.alert]
"bed.left" = { short = "Oppe" }
```

`velgate check` names each text that does not fit. No text holds a resident's name; a place is named by its
label. Words for what the gateway is about stand in the [glossary](glossary.md).
"""


def page() -> str:
    """Write the page."""
    texts = shipped().texts
    parts = []
    for group, keys in groupby(texts["da"], lambda key: key.partition(".")[0]):
        rows = [(code(key), texts["da"][key], texts["en"][key]) for key in keys]
        parts.append(f"## {group}\n\n" + table(("key", "Danish", "English"), rows))
    return markdown.page("Words", INTRODUCTION, *parts)
