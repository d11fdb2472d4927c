"""Objects: what the API server makes of them, versions, names, dry runs, and what belongs to what."""

import pytest

from failsoft.clients.kubernetes import Ref
from failsoft.errors import ConflictError, NotFoundError, RefusedError
from failsoft.testing.kubernetes import deployment, disruption_budget


def test_a_new_object_gets_identity_version_and_time(cluster, world):
    made = cluster.create(world.config_map())
    meta = made["metadata"]
    assert len(meta["uid"]) == 36
    assert int(meta["resourceVersion"]) > 0
    assert meta["creationTimestamp"].endswith("Z")
    assert made["data"] == {"colour": "red"}
    assert cluster.get(Ref("ConfigMap", "settings", world.where)) == made


def test_the_same_name_twice_is_a_conflict(cluster, world):
    cluster.create(world.config_map())
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(world.config_map())


def test_a_generated_name_is_new_each_time(cluster, world):
    body = world.config_map() | {"metadata": {"generateName": "undo-", "namespace": world.where}}
    names = {cluster.create(body)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("undo-") and len(name) == len("undo-") + 5 for name in names)


def test_a_namespace_that_is_not_there_is_not_found(cluster, world):
    with pytest.raises(NotFoundError, match='namespaces "nowhere" not found'):
        cluster.create(world.config_map(namespace="nowhere"))
    with pytest.raises(NotFoundError):
        cluster.get(Ref("ConfigMap", "absent", world.where))
    assert cluster.list("ConfigMap", namespace="nowhere") == ()


def test_bad_names_are_refused_with_the_reason(plane, cluster, world):
    with pytest.raises(RefusedError, match="a lowercase RFC 1123 subdomain"):
        cluster.create(world.config_map(name="No_Such"))
    nameless = {"metadata": {"namespace": world.where}}
    status, answer = plane.raw("POST", f"/api/v1/namespaces/{world.where}/configmaps", nameless)
    assert (status, answer["details"]["causes"][0]["reason"]) == (422, "FieldValueRequired")


def test_a_new_object_may_bring_no_version(plane, world):
    body = world.config_map(resourceVersion="5")
    status, answer = plane.raw("POST", f"/api/v1/namespaces/{world.where}/configmaps", body)
    assert (status, answer["message"]) == (500, "resourceVersion should not be set on objects to be created")


def test_every_change_has_a_greater_version_and_no_change_has_none(cluster, world):
    first = cluster.create(world.config_map())
    second = cluster.replace(first | {"data": {"colour": "blue"}})
    same = cluster.replace(second | {"data": {"colour": "blue"}})
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert same["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_a_stale_replace_is_a_conflict_and_changes_nothing(cluster, world):
    first = cluster.create(world.config_map())
    second = cluster.replace(first | {"data": {"colour": "blue"}})
    with pytest.raises(ConflictError, match="the object has been modified"):
        cluster.replace(first | {"data": {"colour": "green"}})
    assert cluster.get(Ref("ConfigMap", "settings", world.where)) == second


def test_a_replace_without_a_version_overwrites_what_allows_it(cluster, world):
    cluster.create(world.config_map())
    assert cluster.replace(world.config_map() | {"data": {"colour": "blue"}})["data"] == {"colour": "blue"}


def test_a_lease_is_replaced_only_with_its_version(cluster, world):
    where = {"name": "run", "namespace": world.where}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": where,
        "spec": {"holderIdentity": "a"},
    }
    made = cluster.create(lease)
    with pytest.raises(RefusedError, match="must be specified for an update"):
        cluster.replace(lease)
    cluster.replace(made | {"spec": {"holderIdentity": "b"}})
    with pytest.raises(ConflictError):
        cluster.replace(made | {"spec": {"holderIdentity": "c"}})
    assert cluster.get(Ref("Lease", "run", world.where))["spec"] == {"holderIdentity": "b"}


def test_a_replace_of_another_object_of_the_same_name_is_a_conflict(cluster, world):
    first = cluster.create(world.config_map())
    cluster.delete(Ref("ConfigMap", "settings", world.where))
    cluster.create(world.config_map())
    stale = first | {"metadata": {key: first["metadata"][key] for key in ("name", "namespace", "uid")}}
    with pytest.raises(ConflictError, match="UID in precondition"):
        cluster.replace(stale)


def test_what_is_not_there_cannot_be_replaced_or_deleted(cluster, world):
    with pytest.raises(NotFoundError):
        cluster.replace(world.config_map())
    with pytest.raises(NotFoundError):
        cluster.delete(Ref("ConfigMap", "settings", world.where))


def test_a_delete_of_another_uid_is_a_conflict(cluster, world):
    made = cluster.create(world.config_map())
    ref = Ref("ConfigMap", "settings", world.where)
    with pytest.raises(ConflictError, match="does not match the UID in record"):
        cluster.delete(ref, uid="11111111-1111-1111-1111-111111111111")
    cluster.delete(ref, uid=made["metadata"]["uid"])
    with pytest.raises(NotFoundError):
        cluster.get(ref)


def test_a_dry_run_answers_as_if_and_changes_nothing(cluster, world):
    ref = Ref("ConfigMap", "settings", world.where)
    cluster.create(world.config_map(), dry_run=True)
    with pytest.raises(NotFoundError):
        cluster.get(ref)
    made = cluster.create(world.config_map())
    assert cluster.replace(made | {"data": {"colour": "blue"}}, dry_run=True)["data"] == {"colour": "blue"}
    patch = [{"op": "replace", "path": "/data/colour", "value": "green"}]
    assert cluster.json_patch(ref, patch, dry_run=True)["data"] == {"colour": "green"}
    cluster.delete(ref, dry_run=True)
    assert cluster.get(ref) == made
    with pytest.raises(ConflictError):
        cluster.create(world.config_map(), dry_run=True)


def test_generation_counts_changes_of_the_spec_only(cluster, world):
    ref = Ref("Deployment", "chat", world.where)
    made = cluster.create(deployment("chat", world.where, replicas=0))
    assert made["metadata"]["generation"] == 1
    world.eventually(lambda: cluster.get(ref)["status"].get("observedGeneration") == 1)
    labelled = cluster.json_patch(ref, [{"op": "add", "path": "/metadata/labels/tier", "value": "x"}])
    assert labelled["metadata"]["generation"] == 1
    paused = cluster.json_patch(ref, [{"op": "add", "path": "/spec/minReadySeconds", "value": 1}])
    assert paused["metadata"]["generation"] == 2
    world.eventually(lambda: cluster.get(ref)["status"].get("observedGeneration") == 2)


def test_a_deployment_is_filled_in_with_the_known_defaults(cluster, world):
    made = cluster.create(deployment("chat", world.where, replicas=0, grace_s=7), dry_run=True)
    assert made["spec"] == {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "chat"}},
        "template": {
            "metadata": {"labels": {"app": "chat"}},
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "example.invalid/server:1",
                        "resources": {"limits": {"nvidia.com/gpu": "1"}},
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                        "imagePullPolicy": "IfNotPresent",
                    }
                ],
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 7,
                "dnsPolicy": "ClusterFirst",
                "securityContext": {},
                "schedulerName": "default-scheduler",
            },
        },
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }


def test_a_pod_is_filled_in_with_the_known_defaults(cluster, world):
    made = cluster.create(world.bare_pod("lone"), dry_run=True)
    patience = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    assert made["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "example.invalid/c:1",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready"} | patience,
            {"key": "node.kubernetes.io/unreachable"} | patience,
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_pods_spec_cannot_be_changed(cluster, world):
    cluster.create(world.bare_pod("lone"))
    ref = Ref("Pod", "lone", world.where)
    with pytest.raises(RefusedError, match="pod updates may not change fields other than"):
        cluster.json_patch(ref, [{"op": "add", "path": "/spec/nodeSelector", "value": {"a": "b"}}])
    cluster.json_patch(ref, [{"op": "replace", "path": "/spec/containers/0/image", "value": "example.invalid/c:2"}])


def test_mistakes_in_a_deployment_are_refused(cluster, world):
    wrong = deployment("chat", world.where)
    wrong["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(RefusedError, match="`selector` does not match template `labels`"):
        cluster.create(wrong)
    with pytest.raises(RefusedError, match="must be greater than or equal to 0"):
        cluster.create(deployment("chat", world.where, replicas=-1))
    cluster.create(deployment("chat", world.where, replicas=0))
    other = {"op": "replace", "path": "/spec/selector/matchLabels/app", "value": "other"}
    label = {"op": "replace", "path": "/spec/template/metadata/labels/app", "value": "other"}
    with pytest.raises(RefusedError, match="field is immutable"):
        cluster.json_patch(Ref("Deployment", "chat", world.where), [other, label])


def test_a_budget_takes_one_limit(cluster, world):
    with pytest.raises(RefusedError, match="minAvailable and maxUnavailable cannot be both set"):
        cluster.create(disruption_budget("chat", world.where, app="chat", minAvailable=1, maxUnavailable=1))


def test_a_body_that_does_not_fit_its_path_is_refused(plane, world):
    path = f"/api/v1/namespaces/{world.where}/configmaps"
    assert plane.raw("POST", path, world.config_map(namespace="default"))[0] == 400
    assert plane.raw("POST", path, world.config_map() | {"kind": "Pod"})[0] == 400
    assert plane.raw("POST", path, world.config_map())[0] == 201
    assert plane.raw("PUT", f"{path}/settings", world.config_map(name="other"))[0] == 400
    assert plane.raw("POST", f"{path}/settings", world.config_map())[0] == 405
    assert plane.raw("GET", "/api/v1/toasters")[0] == 404


def test_a_list_has_a_version_and_its_items_have_no_kind_on_the_wire(plane, cluster, world):
    made = cluster.create(world.config_map())
    status, answer = plane.raw("GET", f"/api/v1/namespaces/{world.where}/configmaps")
    assert (status, answer["kind"], answer["apiVersion"]) == (200, "ConfigMapList", "v1")
    assert int(answer["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    mine = next(item for item in answer["items"] if item["metadata"]["name"] == "settings")
    assert "kind" not in mine
    assert made in cluster.list("ConfigMap", namespace=world.where)


def test_a_finalizer_holds_an_object_until_it_is_taken_off(cluster, world):
    ref = Ref("ConfigMap", "settings", world.where)
    cluster.create(world.config_map(finalizers=["failsoft.dev/hold"]))
    cluster.delete(ref)
    assert cluster.get(ref)["metadata"]["deletionTimestamp"]
    cluster.json_patch(ref, [{"op": "remove", "path": "/metadata/finalizers"}])
    with pytest.raises(NotFoundError):
        cluster.get(ref)


def test_what_an_object_owned_goes_with_it(cluster, world):
    owner = cluster.create(world.config_map(name="owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    cluster.create(world.config_map(name="owned", ownerReferences=[reference]))
    cluster.create(world.config_map(name="free"))
    cluster.delete(Ref("ConfigMap", "owner", world.where))

    def names() -> set[str]:
        return {item["metadata"]["name"] for item in cluster.list("ConfigMap", namespace=world.where)}

    world.eventually(lambda: "owned" not in names())
    assert "free" in names()


def test_a_namespace_goes_when_it_is_empty(cluster, world):
    world.add_nodes(1)
    cluster.create(world.config_map())
    cluster.create(world.bare_pod("held", world.nodes[0], labels=world.unminded))
    cluster.delete(Ref("Namespace", world.where))
    assert cluster.get(Ref("Namespace", world.where))["status"]["phase"] == "Terminating"
    with pytest.raises(RefusedError, match="it is being terminated"):
        cluster.create(world.config_map())
    world.eventually(lambda: "deletionTimestamp" in world.pod("held")["metadata"])
    assert cluster.get(Ref("ConfigMap", "settings", world.where)), "pods go first"
    cluster.delete(Ref("Pod", "held", world.where), grace_seconds=0)
    world.eventually(lambda: world.where not in {n["metadata"]["name"] for n in cluster.list("Namespace")})
