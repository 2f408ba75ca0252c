"""Tools: functions with a checked input, a policy and a bounded result, for agents and for scripts.

Nothing here knows agents. Importing this package starts nothing and reads no settings.
"""
