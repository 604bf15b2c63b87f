"""The plumbing: settings, logs, the clock, the loop that keeps work going, the embedded server.

May import ``domain`` alone.
"""
