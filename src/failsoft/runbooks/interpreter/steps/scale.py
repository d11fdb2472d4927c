"""The step `scale`: the replicas of the model's workload, or of its fallback's."""

from failsoft.clients.kubernetes import Cluster, Ref
from failsoft.errors import PermanentError
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.runbooks.interpreter.effects import Json, Seen
from failsoft.workspace.kinds.runbook import Scale

__all__ = ["ScaleAction"]


class ScaleAction:
    """Sets replicas through the scale subresource; the state is `{"replicas": n}`. Implements `Action`."""

    def target(self, context: StepContext, spec: Scale) -> Ref:
        """The Deployment."""
        mine = context.of_model
        model = mine if spec.model == "this" else context.fallback
        if model is None or model.spec.workload is None:
            who = mine.name if spec.model == "this" else f"the fallback of {mine.name}"
            raise PermanentError(f"{who} has no workload to scale")
        deployment = model.spec.workload.deployment
        return Ref("Deployment", deployment.name, deployment.namespace)

    def read(self, context: StepContext, obj: Json) -> Seen:  # noqa: ARG002  # the protocol's
        """Its replicas."""
        return Seen({"replicas": int(obj["spec"].get("replicas", 1))}, obj["metadata"]["resourceVersion"])

    def wanted(self, context: StepContext, spec: Scale, state: Json) -> Json:  # noqa: ARG002  # the protocol's
        """The replicas of the runbook."""
        return {"replicas": spec.replicas}

    def write(self, cluster: Cluster, target: Ref, seen: Seen, after: Json) -> None:
        """PUT the scale subresource with the resourceVersion that was seen."""
        cluster.scale(target, after["replicas"], resource_version=seen.version)

    def text(self, target: Ref, before: Json, after: Json) -> str:
        """Such as `scale Deployment prod/chat from 2 to 3 replicas`."""
        return f"scale {target} from {before['replicas']} to {after['replicas']} replicas"
