"""The heart of the predictor: learned travel times, experts blended online, learned quantiles.

In: runs with their calls, positions along their lines or stop events, what the agency predicts, and now. Out: for every
call ahead a median, a band and the time to publish. Columnar, deterministic, numpy only: no IO and no clock. The model in
plain words: ``docs/predictions.md``.
"""
