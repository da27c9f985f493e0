"""Connectors: one file per kind of system that does the work. They translate; they decide nothing."""
