"""HTTP/1.1 as we speak it: uvicorn's, with bounds on what comes before a question is understood.

What cannot be read as HTTP is refused in the words of every other refusal: JSON, with the status as its code.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.formats import oba
from runtime.clock import SystemClock

MAX_TARGET_BYTES = 65_535
"""Of path and query together; the parser takes no more."""
MAX_HEADER_BYTES = 65_536
"""Of all header fields together."""
MAX_DROPPED_BYTES = 64 * 1024**2
"""So much of what is too long is read; then the connection is cut."""
SAID = {400: "not HTTP/1.1", 414: "request target too long", 431: "request header fields too large"}


class TooLong(httptools.HttpParserError):
    """A target or header fields beyond their bounds."""


class Protocol(HttpToolsProtocol):
    """One connection. What is too long is read to its end but not kept, so that its sender hears why it is refused."""

    _status = 400
    _header_bytes = 0
    _dropped_bytes = 0

    def on_message_begin(self) -> None:
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > MAX_TARGET_BYTES:
            self._drop(414, len(url))
        else:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            self._drop(431, len(name) + len(value))
        else:
            super().on_header(name, value)

    def _drop(self, status: int, count: int) -> None:
        if self._status == 400:
            self._status = status
        self._dropped_bytes += count
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            raise TooLong

    def on_headers_complete(self) -> None:
        if self._status != 400:
            raise TooLong
        super().on_headers_complete()

    def send_400_response(self, _msg: str) -> None:
        """Refuse what was received, and hang up."""
        body = oba.refusal(SystemClock().now_epoch_s(), self._status, SAID[self._status], None)
        head = (
            b"content-type: application/json;charset=utf-8\r\ncache-control: no-store\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        self.transport.write(STATUS_LINE[self._status] + head + body)
        self.transport.close()
