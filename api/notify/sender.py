"""Sends letters through Apprise. The library is loaded when the first letter is due: most starts have none."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from api.notify.outbox import channel_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.notify.outbox import Letter, Outbox

log = logging.getLogger(__name__)

PERIOD_S = 1.0
SEND_TIMEOUT_S = 60.0


class Channel(Protocol):
    """Someone who takes messages."""

    async def send(self, title: str, body: str) -> bool:
        """Say whether the message was taken."""


class AppriseChannel:
    """One Apprise URL."""

    def __init__(self, *, url: str) -> None:
        self._url = url
        self._target: Any = None

    async def send(self, title: str, body: str) -> bool:
        """Send; False where the URL is no channel or the channel did not take it."""
        if self._target is None:
            # Loading a hundred plugins takes a while, and frames must not wait for it.
            self._target = await asyncio.to_thread(self._open)
        return bool(await self._target.async_notify(title=title, body=body))

    def _open(self) -> Any:  # noqa: ANN401 - the library has no types
        import apprise  # noqa: PLC0415 - see the module's first line

        _silence_libraries()
        target = apprise.Apprise()
        target.add(self._url)
        return target


class Sender:
    """Empties the outbox: channels side by side, each for itself one letter after the other."""

    def __init__(self, *, outbox: Outbox, channels: dict[str, Channel], now_ms: Callable[[], int]) -> None:
        self._outbox = outbox
        self._channels = channels
        self._now_ms = now_ms
        self.failures = 0

    async def run(self) -> None:
        """Send what is due, for ever. A channel that hangs keeps no other from being told."""
        busy: dict[str, asyncio.Task[int]] = {}
        try:
            while True:
                for channel in [name for name, task in busy.items() if task.done()]:
                    busy.pop(channel).result()
                for channel in self._outbox.waiting_channels(self._now_ms()):
                    if channel not in busy:
                        busy[channel] = asyncio.create_task(self._send_channel(channel))
                await asyncio.sleep(PERIOD_S)
        finally:
            for task in busy.values():
                task.cancel()
            await asyncio.gather(*busy.values(), return_exceptions=True)

    async def send_due(self) -> int:
        """Send what is due now; returns how many letters were taken."""
        channels = self._outbox.waiting_channels(self._now_ms())
        return sum(await asyncio.gather(*(self._send_channel(channel) for channel in channels)))

    async def _send_channel(self, channel: str) -> int:
        taken = 0
        # One at a time: a claim lasts only so long, and order matters to people.
        while letters := self._outbox.claim(channel, self._now_ms(), 1):
            taken += await self._send(letters[0])
        return taken

    async def _send(self, letter: Letter) -> bool:
        channel = self._channels.get(letter.channel)
        if channel is None:
            self._outbox.abandon(letter, "the channel is no longer configured")
            return False
        try:
            taken = await asyncio.wait_for(channel.send(letter.title, letter.body), SEND_TIMEOUT_S)
            reason = "refused"
        # The one broad except: a channel is foreign code, and its errors may carry the address.
        except Exception as error:  # noqa: BLE001
            taken, reason = False, type(error).__name__
        if taken:
            self._outbox.sent(letter, self._now_ms())
        else:
            self.failures += 1
            log.warning("channel %s: letter %d: %s (attempt %d)", letter.channel, letter.id, reason, letter.attempts)
            self._outbox.failed(letter, reason, self._now_ms())
        return taken


def no_channels(urls: Sequence[str]) -> list[int]:
    """Return the places, from 1, of URLs that Apprise knows no channel for. Takes a second: the library is loaded."""
    import apprise  # noqa: PLC0415 - see the module's first line

    _silence_libraries()
    return [place for place, url in enumerate(urls, 1) if apprise.Apprise.instantiate(url) is None]


def apprise_channels(urls: Sequence[str]) -> dict[str, Channel]:
    """Return a channel per URL, by its digest."""
    return {channel_id(url): AppriseChannel(url=url) for url in urls}


def _silence_libraries() -> None:
    # All of them log addresses, and an address is a secret here.
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
