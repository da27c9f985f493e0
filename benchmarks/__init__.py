"""Measurements as ratios: the product beside a yardstick in the same run. Nothing here decides a test."""
