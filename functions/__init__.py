"""The function app: one blueprint per file, each function a door that decodes, calls `ml`, and encodes.

Nothing here is done at import: the store, the catalog and the models are made on first use (`state`).
`local` serves the same app where Azure's own host is not at hand.
"""
