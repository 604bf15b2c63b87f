"""Our own description, as OpenAPI 3.1: what is served, with which parameters, and real answers as examples.

``schemas`` says what answers look like, ``parameters`` what can be asked; ``where`` (OneBusAway's) and ``beyond``
(ours) join both to the routes of ``api.app``, ``operations`` lists all, ``document`` makes it one document. ``examples.json`` is written by ``python -m tests.api.examples``.
"""
