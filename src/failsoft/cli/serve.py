"""`failsoft serve`: answers alerts, around the clock."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from failsoft.cli.common import load_clean, workspace_argument

__all__ = ["command"]


@click.command("serve")
@workspace_argument
@click.option("--host", default="", help="The address to listen on; 127.0.0.1 where server.url names it, else all.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port; that of server.url, else 8080; 0 a free one.",
)
@click.option("--database", default="", help="The database's URL; server.database when left out.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning"]), default="info", show_default=True)
def command(*, workspace: Path, host: str, port: int | None, database: str, log_level: str) -> None:
    """Answer the alerts of WORKSPACE: webhook, runbooks, Slack, drift monitors, metrics.

    When everything is ready, one line of JSON on standard output says where. SIGTERM ends it in good order.
    """
    import asyncio
    import logging

    from failsoft.runbooks.service import ServiceSettings
    from failsoft.server.serve import LOOPBACK, ServeSettings, serve

    loaded, _ = load_clean(workspace, "text")
    at = urlsplit(loaded.config.server.url)
    local = (at.hostname or "") in LOOPBACK
    settings = ServeSettings(
        host=host or ("127.0.0.1" if local else "0.0.0.0"),  # noqa: S104  # behind a Service or a proxy
        port=port if port is not None else at.port or 8080,
        worker=ServiceSettings(database=database),
    )
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its tidings of every start and end say nothing new
    asyncio.run(serve(loaded, settings))
