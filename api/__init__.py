"""OUT, pulled: the hall to screens; and in: subscriptions and reports.

In: timetable bundles, predictions, alerts, feed health. Out: HTTP. No request of a rider makes a Redis round trip.
May import ``store``, ``runtime`` and ``domain``.
"""
