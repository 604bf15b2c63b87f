"""The Alerts as they are in the hall, read again only when they changed, and only what may reach a phone of them."""

import logging
from collections.abc import Mapping

from domain.alert import Alert
from domain.errors import BlobUnusable
from domain.standing import public_part
from store import alerts
from store.hall import Hall

log = logging.getLogger("wayside.notify")


class CurrentAlerts:
    """See the module."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._stamp = ""
        self._known: Mapping[str, Alert] = {}

    async def read(self) -> Mapping[str, Alert]:
        """Every Alert by its id, as of now or later. Where one cannot be read, the last ones that could."""
        stamp = await alerts.alerts_stamp(self._hall)
        if stamp != self._stamp:
            try:
                found = await alerts.get_alerts(self._hall)
            except BlobUnusable as error:
                log.error("event=alerts_unusable why=%s", error)
                return self._known
            self._known = {alert_id: public_part(alert) for alert_id, alert in found.items()}
            self._stamp = stamp
        return self._known
