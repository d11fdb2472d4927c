"""`python -m failsoft.lab.kubelet`: plays the kubelets of some nodes until SIGTERM."""

import asyncio
import signal
from pathlib import Path

import click

from failsoft.clients.kubernetes import ApiCluster, connect
from failsoft.errors import FailsoftError
from failsoft.lab.kubelet.kubelet import Kubelet
from failsoft.lab.kubelet.nodes import Node


@click.command()
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--node", "nodes", multiple=True, required=True, metavar="NAME[,gpus=N][,LABEL=VALUE...]")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="For logs and the registry of processes.")
@click.option("--targets", type=click.Path(path_type=Path), help="The file_sd file to write for Prometheus.")
def main(*, kubeconfig: Path, nodes: tuple[str, ...], home: Path, targets: Path | None) -> None:
    """Play the kubelets of some nodes."""

    def client() -> ApiCluster:
        return connect(kubeconfig)

    try:
        kubelet = Kubelet(client, [Node.parse(text) for text in nodes], home=home, targets=targets)
        asyncio.run(_play(kubelet))
    except FailsoftError as error:
        raise click.ClickException(str(error)) from error


async def _play(kubelet: Kubelet) -> None:
    # The kubelet waits on locks in a thread: a plain signal handler could wait for a lock that its own thread holds.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, kubelet.stop)
    await asyncio.to_thread(kubelet.run)


if __name__ == "__main__":
    main()
