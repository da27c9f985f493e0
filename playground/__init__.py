"""The whole of Toban on one machine: stand-ins for Slack and GitHub, and the story that the demo plays."""
