"""Our own description, as OpenAPI 3.1: what is served, with which parameters, and real answers as examples.

``schemas`` says what answers look like, ``parameters`` what can be asked, ``operations`` joins both to the routes of
``api.app``, ``document`` makes it one document. ``examples.json`` is written by ``python -m tests.api.examples``.
"""
