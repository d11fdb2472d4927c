"""`python -m failsoft.lab.gateway`: one HTTPRoute served on 127.0.0.1 until SIGTERM."""

import asyncio
import contextlib
import signal
from pathlib import Path

import click
from aiohttp import web

from failsoft.clients.kubernetes import connect
from failsoft.errors import FailsoftError
from failsoft.lab.gateway.proxy import Gateway
from failsoft.lab.gateway.routing import build_table
from failsoft.lab.mirror import Mirror

_CLOSE_SECONDS = 1.0


@click.command()
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--route", required=True, help="NAMESPACE/NAME of the HTTPRoute.")
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--seed", default=0, show_default=True, help="Of the choices between backends.")
def main(*, kubeconfig: Path, route: str, port: int, seed: int) -> None:
    """Serve an HTTPRoute."""
    namespace, slash, name = route.partition("/")
    if not slash:
        raise click.UsageError(f"--route wants NAMESPACE/NAME, not {route!r}")
    try:
        asyncio.run(_serve(kubeconfig, namespace, name, port, seed))
    except FailsoftError as error:
        raise click.ClickException(str(error)) from error


async def _serve(kubeconfig: Path, namespace: str, name: str, port: int, seed: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(f"{namespace}/{name}", seed)

    def rebuild() -> None:
        route = next((each for each in routes.objects if each["metadata"]["name"] == name), None)
        gateway.table = build_table(route, pods.objects)

    def changed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and we are about to
            loop.call_soon_threadsafe(rebuild)

    routes = Mirror(connect(kubeconfig), "HTTPRoute", namespace=namespace, changed=changed)
    pods = Mirror(connect(kubeconfig), "Pod", namespace=namespace, changed=changed)
    runner = web.AppRunner(
        gateway.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS, handle_signals=False
    )
    with routes, pods:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await stop.wait()
        await runner.cleanup()


if __name__ == "__main__":
    main()
