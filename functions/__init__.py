"""The function app: one blueprint per file, each function a door that decodes, calls `ml`, and encodes.

Nothing here is made at import: the store, the catalog and the models are made on first use (`state`).
`local` serves the same app where Azure's own host is not at hand.
"""

import gc

COLLECT_AFTER = (150_000, 20, 20)
"""Objects made, and collections of each younger generation, after which the next collection comes.

A start makes about a hundred thousand objects and answering 1,000 rows some thousand, hardly any of them in a
cycle. The collector, as it comes, would look through all libraries again and again meanwhile: a tenth of a
cold start, a third of the time of large requests.
"""

gc.set_threshold(*COLLECT_AFTER)
