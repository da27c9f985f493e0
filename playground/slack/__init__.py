"""A loopback Slack: a workspace on 127.0.0.1 that slack_bolt and slack_sdk cannot tell from the real one.

What it does differently from Slack is listed in docs/playground.md.
"""
