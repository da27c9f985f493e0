"""Slack's side: takes commands, runs durable flows, shows outcomes. Knows the function app only by HTTP."""
