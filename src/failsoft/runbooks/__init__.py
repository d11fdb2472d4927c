"""Runbooks: alerts become incidents, incidents start durable runs, people are asked, the world is changed and checked.

What others use, imported where it is used, so that nothing heavy is loaded with it:

* the server: `service.open_service`, `alerts.parse`, `views` (what is shown, and the port `Announcer`),
  `decisions.Answer`, `stats.Stats`;
* the command line: `offline`, `start.start_by_hand`, `choose.choose`, `views`, and the tables in `store`, for it works
  also when no server does.

All else is private to the room.
"""

__all__: list[str] = []
