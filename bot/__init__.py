"""Slack's side: takes commands, runs durable flows, shows the outcome. Knows the function app only by HTTP."""
