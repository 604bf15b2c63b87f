"""What a channel is: one way to reach a device."""

from typing import Protocol

from domain.notification import Notification
from domain.subscription import Device


class Channel(Protocol):
    """Hands one notification to one provider. Says nothing of tokens in logs and errors."""

    async def deliver(self, device: Device, notification: Notification, now_epoch_s: float) -> str:
        """Hand over; returns, once the provider has taken it, what the provider calls it (may be blank).

        Raises DeliveryFailed, and nothing else.
        """

    async def close(self) -> None:
        """Let go of connections."""
