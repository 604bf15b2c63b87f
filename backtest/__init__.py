"""THE JUDGE: replays a recorded day by honest rules and says how good each way of predicting was.

In: a folder of recorded feeds (``readers/``). Out: a Verdict, as a table, JSON or a drawing. May import predictor, store,
runtime and domain; nothing but ``wayside/`` imports it. What happened (``truth``) is found apart from the predictor.
"""
