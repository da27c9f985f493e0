"""The substance that functions and workflows run: training, serving, registry, runs, prediction log.

Knows nothing of Slack, Azure or any web framework. Importing this package imports none of its modules.
"""
