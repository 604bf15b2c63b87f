"""IN: the world to the hall. Poll, fetch, decode, check, record health.

In: URLs and files of GTFS, GTFS-realtime, CAP and health indicators. Out: timetable bundles, each feed's latest
dataset and health record, through ``store``. May import ``store``, ``runtime`` and ``domain``.
"""
