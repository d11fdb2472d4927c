"""Runbooks: alerts become incidents, incidents start durable runs, people are asked, the world is changed and checked.

What others use, imported where it is used: `service.open_service`, `alerts.parse`, `views` (what is shown, and the port
`Announcer`), `decisions.Answer`, `stats.Stats`, and for the command line `offline`.
"""

__all__: list[str] = []
