"""Notifications printed in the log: for development. What is printed names no device and no subscription."""

import logging

from domain.notification import Notification
from domain.subscription import Device

log = logging.getLogger("wayside.notify.console")


class ConsoleChannel:
    """See the module."""

    async def deliver(self, device: Device, notification: Notification, now_epoch_s: float) -> str:  # noqa: ARG002
        log.info(
            "event=notification kind=%s alert=%s revision=%d title=%r body=%r",
            notification.kind.value,
            notification.alert_id,
            notification.revision,
            notification.title,
            notification.body.replace(notification.place_label, "…") if notification.place_label else notification.body,
        )
        return ""

    async def close(self) -> None:
        return None
