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

        # Both log addresses, and an address is a secret here.
        for name in ("apprise", "urllib3", "requests"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        target = apprise.Apprise()
        target.add(self._url)
        return target


class Sender:
    """Empties the outbox, one letter at a time per round, all channels at once."""

    def __init__(self, *, outbox: Outbox, channels: dict[str, Channel], now_ms: Callable[[], int]) -> None:
        self._outbox = outbox
        self._channels = channels
        self._now_ms = now_ms
        self.failures = 0

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            await self.send_due()
            await asyncio.sleep(PERIOD_S)

    async def send_due(self) -> int:
        """Send what is due now; returns how many letters were taken."""
        letters = self._outbox.claim(self._now_ms())
        return sum(await asyncio.gather(*(self._send(letter) for letter in letters))) if letters else 0

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


def apprise_channels(urls: Sequence[str]) -> dict[str, Channel]:
    """Return a channel per URL, by its digest."""
    return {channel_id(url): AppriseChannel(url=url) for url in urls}
