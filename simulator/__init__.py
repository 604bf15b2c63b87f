"""THE MODEL TOWN: a generated city, its feeds, replay of recordings, doubles of push providers.

It plays the outside world, over real HTTP on loopback, and so may import the third parties it plays.
May import ``runtime`` and ``domain``.
"""
