"""OUT, pushed: the hall to phones. Policy, compose, deliver, receipts.

In: risks and subscriptions. Out: notifications on phones, and what became of each. May import ``store``,
``runtime`` and ``domain``.
"""
