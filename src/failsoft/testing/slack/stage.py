"""The fake as a test sees it: what is there, what people click, and what goes wrong, without the HTTP below it."""

from collections.abc import Mapping

from failsoft.testing.serving import Fault, Faults, Served
from failsoft.testing.slack.clicks import click_payload
from failsoft.testing.slack.sockets import Envelope, SocketMode
from failsoft.testing.slack.workspace import Call, Message, Workspace

__all__ = ["SlackStage"]


class SlackStage(Served):
    """Everything of `FakeSlack` that a test or a demo uses."""

    def __init__(self, workspace: Workspace, *, port: int) -> None:
        super().__init__(port=port)
        self._workspace = workspace
        self._sockets = SocketMode(self._changed)
        self._faults = Faults()

    @property
    def api_url(self) -> str:
        """The `base_url` for a Slack client."""
        return f"{self.url}/api/"

    # What is there.

    def messages(self, channel: str | None = None) -> tuple[Message, ...]:
        """The messages of a channel (or of all) as they stand after all updates, oldest first; no ephemeral ones."""
        return self._workspace.messages(channel)

    def ephemeral(self, user: str | None = None) -> tuple[Message, ...]:
        """The ephemeral messages so far: all, or those that one person saw."""
        return self._workspace.ephemeral(None if user is None else self.user_id(user))

    def thread(self, message: Message) -> tuple[Message, ...]:
        """The replies in the thread of a message, oldest first."""
        return tuple(reply for reply in self.messages(message.channel) if reply.thread_ts == message.ts)

    def calls(self, method: str | None = None) -> tuple[Call, ...]:
        """The calls of the Web API so far, oldest first."""
        return tuple(call for call in tuple(self._workspace.calls) if method in {None, call.method})

    @property
    def channels(self) -> Mapping[str, str]:
        """Names of channels by id."""
        return self._workspace.channels

    @property
    def users(self) -> Mapping[str, str]:
        """Names of people by id."""
        return self._workspace.users

    @property
    def connections(self) -> int:
        """How many Socket Mode connections were ever made."""
        return self._sockets.connections

    @property
    def connected(self) -> int:
        """How many Socket Mode connections are open now."""
        return self._sockets.connected

    @property
    def envelopes(self) -> tuple[Envelope, ...]:
        """What was sent over Socket Mode so far."""
        return tuple(self._sockets.envelopes.values())

    def user_id(self, user: str) -> str:
        """The id of a person given by id or by name."""
        for identifier, name in self._workspace.users.items():
            if user in {identifier, name}:
                return identifier
        raise LookupError(f"nobody here is called {user!r}")

    def summary(self) -> str:
        """What has happened so far, for the text of a failed wait."""
        calls = ", ".join(f"{call.method} {call.answer.get('error', 'ok')}" for call in self.calls()[-8:]) or "none"
        return f"{self.connected} connected; {len(self.messages())} messages; last calls: {calls}"

    # What a person, or Slack, does.

    async def click(self, user: str, message: Message, action: str) -> Envelope:
        """Let a person click a button, given by its action id or its label.

        The message is clicked as it is given: an old state of it is what a person with a slow phone sees.

        Raises:
            LookupError: the message shows no such button, or there is no such person.
            ConnectionError: no app is connected.
        """
        button, user = message.button(action), self.user_id(user)
        place, person = (message.channel, self.channels[message.channel]), (user, self.users[user])
        payload = click_payload(message, button, person=person, place=place)
        payload["response_url"] = f"{self.url}/response/{message.ts}"
        return await self._there(self._sockets.send(payload))

    async def duplicate_envelope(self, envelope: Envelope) -> None:
        """Send an envelope once more, as Slack does when it saw no acknowledgement in time."""
        await self._there(self._sockets.deliver(envelope))

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell the app that its connections are about to be closed, as Slack does every few hours."""
        await self._there(self._sockets.disconnect(reason))

    def cut_connections(self) -> None:
        """Cut all Socket Mode connections without a word."""
        self._act(self._sockets.cut)

    def fail_next(  # noqa: PLR0913 - the ways in which a call can fail
        self,
        method: str,
        status: int | None = None,
        *,
        error: str = "",
        retry_after: int | None = None,
        delay: float = 0.0,
        times: int = 1,
    ) -> None:
        """Let the next calls of a method fail: with an HTTP status, or with an error in Slack's form.

        The method `link` is the handshake of Socket Mode. A delay alone makes the answer late.
        """
        fault = Fault(status=status, error=error, retry_after=retry_after, delay=delay, times=times)
        self._act(lambda: self._faults.add(method, fault))

    def drop_reply(self, method: str, *, times: int = 1) -> None:
        """Do what the next calls of a method ask for, then cut the connection without an answer."""
        self._act(lambda: self._faults.add(method, Fault(drop_reply=True, times=times)))

    async def wait_connected(self, *, within: float = 30.0) -> None:
        """Wait until an app is connected over Socket Mode."""
        await self.wait_for(lambda: self.connected > 0, within=within)

    async def assert_acked_within(self, seconds: float, *envelopes: Envelope) -> None:
        """Assert that the envelopes (all so far by default) were acknowledged within so many seconds; waits for it."""
        asked = envelopes or self.envelopes
        await self.wait_for(lambda: all(envelope.acked_at for envelope in asked), within=seconds)
        slow = {envelope.id: took for envelope in asked if (took := envelope.ack_seconds or 0.0) > seconds}
        assert not slow, f"acknowledged too late: {slow}"  # noqa: S101 - its purpose
