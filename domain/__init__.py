"""The language: frozen values and pure functions that every room speaks.

No input or output, no clock, no logging happens here. Instants are aware UTC ``datetime``s named ``…_at``,
or epoch seconds named ``…_epoch_s`` on hot paths; durations carry a unit suffix.
"""
