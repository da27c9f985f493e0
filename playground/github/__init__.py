"""A loopback GitHub: REST, Actions and webhooks on 127.0.0.1, over repositories that are real folders.

What it does differently from GitHub is listed in docs/playground-github.md.
"""
