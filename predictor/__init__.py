"""THINK: the hall to the hall. Match vehicles to trips, predict arrivals, judge risk.

In: timetable bundles, what feeds claim, alerts, subscriptions. Out: predictions, vehicles on their trips, risks.
Every module but the worker is pure. May import ``store``, ``runtime`` and ``domain``.
"""
