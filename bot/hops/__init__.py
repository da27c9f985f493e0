"""`toban check`: one module for each side of the set-up, and what a finding is in `hop`."""
