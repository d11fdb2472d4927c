"""The fake's HTTP face: paths and verbs, who may ask, what goes wrong on demand, and the streams of watches."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from failsoft.testing.kubernetes.answers import (
    ApiError,
    bad_request,
    forbidden,
    method_not_allowed,
    unauthorized,
    unknown_path,
    unsupported,
)
from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.faults import Denial, Fault, Faults, Request
from failsoft.testing.kubernetes.resources import POD, PageNotFound, Target
from failsoft.testing.kubernetes.selectors import field_selector, label_selector
from failsoft.testing.kubernetes.subresources import evict, get_scale, patch_scale, put_scale
from failsoft.testing.kubernetes.watches import watch_lines

__all__ = ["Face"]

type Json = dict[str, Any]

_USER = "failsoft"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_FIRST_ERROR = 400
_LONGEST_BODY = 3 * 2**20


class Face:
    """Answers HTTP requests from an `ApiServer`."""

    def __init__(self, api: ApiServer, faults: Faults, token: str) -> None:
        self._api = api
        self._faults = faults
        self._token = token

    def application(self) -> web.Application:
        """The aiohttp application; everything goes through one handler."""
        app = web.Application(client_max_size=_LONGEST_BODY)
        app.router.add_route("*", "/fake/{what}", self._administer)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body, query = await _json_body(request), dict(request.query)
        fault = self._faults.take(request.method, request.path)
        if fault and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        response: web.StreamResponse
        try:
            if fault and fault.status:
                raise _injected(fault)
            response = await self._serve(request, body, query)
        except PageNotFound:
            response = web.Response(text="404 page not found\n", status=404)
        except ApiError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            response = web.json_response(error.status, status=error.code, headers=headers)
        lost = fault is not None and fault.lose_reply
        dry_run = _is_dry_run(query, body)
        self._faults.log.append(Request(request.method, request.path, query, body, response.status, dry_run, lost))
        if lost and request.transport is not None:
            request.transport.abort()
        return response

    async def _serve(self, request: web.Request, body: Any, query: Mapping[str, str]) -> web.StreamResponse:
        if request.path in {"/readyz", "/livez", "/healthz"}:
            return web.Response(text="ok")
        user = self._authenticate(request)
        if request.path == "/version":
            return web.json_response({"major": "1", "minor": "35", "gitVersion": "v1.35.4-failsoft.fake"})
        if request.path == _REVIEWS and request.method == "POST":
            return web.json_response(self._review(body), status=201)
        target = self._target(request.path)
        watching = query.get("watch") in {"1", "true"} and request.method == "GET"
        self._authorize(user, target, _verb(request.method, target, watching=watching))
        if watching:
            return await self._watch(request, target, query)
        if request.method == "GET":
            return web.json_response(self._read(target, query))
        status, document = self._write(request, target, body, query)
        return web.json_response(document, status=status)

    def _authenticate(self, request: web.Request) -> str:
        header = request.headers.get("Authorization", "")
        if not header:
            return "system:anonymous"
        if header != f"Bearer {self._token}":
            raise unauthorized()
        return _USER

    def _authorize(self, user: str, target: Target, verb: str) -> None:
        if user == _USER and not self._faults.denied(verb, target.rbac_resource, target.namespace):
            return
        kind = target.resource.kind
        scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
        why = f'User "{user}" cannot {verb} resource "{target.rbac_resource}" in API group "{kind.group}" {scope}'
        raise forbidden(kind.group, kind.plural, target.name, why)

    def _review(self, body: Json) -> Json:
        asked = (body.get("spec") or {}).get("resourceAttributes") or {}
        resource = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
        denied = self._faults.denied(asked.get("verb", ""), resource, asked.get("namespace", ""))
        named = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
        return named | body | {"status": {"allowed": not denied}}

    def _target(self, path: str) -> Target:
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            group, version, rest = "", parts[1] if len(parts) > 1 else "", parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:  # noqa: PLR2004 (apis, group, version, resource)
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            raise PageNotFound
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in {"status", "finalize"}:  # noqa: PLR2004
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource, *more = [*rest, "", "", ""]
        if any(more):
            raise unknown_path()
        resource = self._api.catalogue.find(group, version, plural)
        if namespace and not resource.kind.namespaced:
            raise unknown_path()
        return Target(resource, namespace, name, subresource)

    def _read(self, target: Target, query: Mapping[str, str]) -> Json:
        if target.name:
            obj = self._api.get(target)
            return get_scale(obj) if target.subresource == "scale" and target.resource.scale else obj
        kind = target.resource.kind
        labels = label_selector(query.get("labelSelector", ""))
        fields = field_selector(query.get("fieldSelector", ""), kind.plural)
        found = [o for o in self._api.store.list(target.resource, target.namespace) if labels(o) and fields(o)]
        if not target.resource.custom:
            found = [{key: value for key, value in o.items() if key not in {"kind", "apiVersion"}} for o in found]
        return {
            "kind": f"{kind.name}List",
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": str(self._api.store.revision)},
            "items": found,
        }

    def _write(self, request: web.Request, target: Target, body: Any, query: Mapping[str, str]) -> tuple[int, Json]:
        api, dry_run = self._api, _is_dry_run(query, body)
        if request.method == "PATCH" and request.content_type != "application/json-patch+json":
            raise unsupported("415: Unsupported Media Type")
        if request.method != "DELETE" and not isinstance(body, list if request.method == "PATCH" else dict):
            raise bad_request("the body of the request is not what its content type says")
        on_one = bool(target.name) and (target.resource.status or target.subresource == "")
        status, done = 200, None
        match request.method, target.subresource:
            case "POST", "" if not target.name:
                status, done = 201, api.create(target, body, dry_run=dry_run)
            case "POST", "eviction" if target.resource == POD:
                status, done = 201, evict(api, target, body, dry_run=dry_run)
            case "PUT", "scale" if target.resource.scale:
                done = put_scale(api, target, body, dry_run=dry_run)
            case "PATCH", "scale" if target.resource.scale:
                done = patch_scale(api, target, body, dry_run=dry_run)
            case "PUT", "" | "status" if on_one:
                done = api.update(target, body, dry_run=dry_run)
            case "PATCH", "" | "status" if on_one:
                done = api.patch(target, body, dry_run=dry_run)
            case "DELETE", "" if target.name:
                done = api.delete(target, body or {}, dry_run=dry_run)
            case _:
                raise method_not_allowed()
        return status, done

    async def _watch(self, request: web.Request, target: Target, query: Mapping[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        lines = watch_lines(self._api.store, target.resource, target.namespace, query)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            async for line in lines:
                await response.write(json.dumps(line).encode() + b"\n")
            await response.write_eof()
        return response

    async def _administer(self, request: web.Request) -> web.Response:
        """`/fake/faults`, `/fake/denials` (POST adds, DELETE clears) and `/fake/requests` (GET)."""
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            raise web.HTTPForbidden
        body = await _json_body(request)
        if request.method == "POST" and not isinstance(body, dict):
            raise web.HTTPBadRequest
        match request.method, request.match_info["what"]:
            case "POST", "faults":
                self._faults.pending.append(_made(Fault, body))
            case "DELETE", "faults":
                self._faults.pending.clear()
            case "POST", "denials":
                self._faults.denials.append(_made(Denial, body))
            case "DELETE", "denials":
                self._faults.denials.clear()
            case "GET", "requests":
                return web.json_response([asdict(seen) for seen in self._faults.log])
            case _:
                raise web.HTTPNotFound
        return web.json_response({})


async def _json_body(request: web.Request) -> Any:
    raw = await request.read()
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def _made[T](kind: Callable[..., T], fields: Json) -> T:
    try:
        return kind(**fields)
    except TypeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def _is_dry_run(query: Mapping[str, str], body: Any) -> bool:
    options = body.get("deleteOptions", body) if isinstance(body, dict) else {}
    return "All" in (query.get("dryRun"), *((options or {}).get("dryRun") or ()))


def _injected(fault: Fault) -> ApiError:
    details: Json = {"retryAfterSeconds": fault.retry_after} if fault.retry_after else {}
    error = ApiError(fault.status, "Injected", f"injected fault {fault.status}", details)
    if fault.body is not None:
        error.status = fault.body
    return error


def _verb(method: str, target: Target, *, watching: bool) -> str:
    if watching:
        return "watch"
    if method == "GET" and not target.name:
        return "list"
    return _VERBS.get(method, method.lower())
