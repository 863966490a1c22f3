"""HTTP to a service, byte for byte on record: only imported to ask.

The client on top (google-genai's, or httpx2 as it is) never holds the key and never sees what came before it was
bounded and masked: a request passes through ``Wire``, which alone knows the key, sends it once, follows nothing,
and keeps one deadline for all of it. Nothing of the environment is used: no proxy, no .netrc, no certificate file;
where footage goes stands in the settings, which are on record.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpcore2
import httpx2

from void_audit.pipeline.reason.service.call import Call, Fault, Service
from void_audit.pipeline.reason.service.network import Backend, Deadline
from void_audit.pipeline.reason.service.secret import Secret, masked_logs
from void_audit.pipeline.reason.service.untrusted import printable

LOGGERS = ("httpcore2.connection", "httpcore2.http11")
"""They see a reply before it is masked."""


def call(
    service: Service,
    secret: Secret,
    header: tuple[str, str],
    send: Callable[[httpx2.Client], object],
    only_here: bool = False,
) -> Call:
    """What became of the one request that ``send`` makes with the client given to it.

    Args:
        service: who is asked, how long, and for how many bytes.
        secret: the key.
        header: name of the header that carries the key, and what stands before the key in it.
        send: makes the request, once.
        only_here: connect to nothing but this machine.

    Whatever ``send`` makes of the reply is not used, nor what it raises then.

    Raises:
        ReasoningError: ``reasoner-failed`` if ``send`` raised before there was anything to send.
    """
    wire = Wire(service, secret, header, only_here)
    with masked_logs(secret, LOGGERS), httpx2.Client(transport=wire, trust_env=False) as client:
        try:
            send(client)
        except Exception as error:
            if not wire.call.settled:
                said = f"was not asked: {type(error).__name__}, {printable(secret.masked_text(str(error)), 500)}."
                raise service.error(
                    "reasoner-failed", said, "Check the settings.", wire.call.exchange
                ) from error
    return wire.call


class Wire(httpx2.BaseTransport):
    """Sends one request and keeps in ``call`` how it went; a second one raises."""

    def __init__(self, service: Service, secret: Secret, header: tuple[str, str], only_here: bool) -> None:
        self.call = Call()
        self._service = service
        self._secret = secret
        self._header = header
        self._only_here = only_here

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The reply, masked, with no header but its media type. Raises httpx2.TransportError if there is none."""
        if self.call.request:
            raise RuntimeError("a question is sent once")
        self.call.request = self._secret.masked(request.read())
        self._try(request)
        self.call.settled = True
        if self.call.fault:
            raise httpx2.TransportError(self.call.fault)
        headers = {"content-type": self.call.media_type}
        return httpx2.Response(self.call.status, headers=headers, content=self.call.reply)

    def _try(self, request: httpx2.Request) -> None:
        try:
            self._exchange(request)
        except httpcore2.TimeoutException:
            self._fail("timeout", "")
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol,
            OSError,
        ) as error:
            self._fail("untrusted" if _untrusted(error) else "unreachable", str(error))

    def _exchange(self, request: httpx2.Request) -> None:
        backend = Backend(Deadline(self._service.timeout), self._only_here)
        context = tls() if request.url.scheme == "https" else None
        with (
            httpcore2.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(
                request.method,
                _address(request.url),
                headers=self._headers(request),
                content=request.read(),
            ) as response,
        ):
            self._note(response)
            if not self.call.fault:
                self._read(response)

    def _headers(self, request: httpx2.Request) -> list[tuple[bytes, bytes]]:
        """The client's own, with the key, and without leave to compress: what is unpacked has no bound."""
        name, before = self._header
        kept = [
            (n, v) for n, v in request.headers.raw if n.lower() not in (name.encode(), b"accept-encoding")
        ]
        key = self._secret.reveal()
        own = [(name.encode(), f"{before}{key}".encode())] if key else []
        return [*kept, (b"accept-encoding", b"identity"), *own]

    def _note(self, response: httpcore2.Response) -> None:
        headers = {name.lower(): self._text(value) for name, value in response.headers}
        self.call.status = response.status
        self.call.media_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        self.call.location = headers.get(b"location", "")
        self.call.retry_after = headers.get(b"retry-after", "")
        encodings = [
            self._text(v).strip().lower() for n, v in response.headers if n.lower() == b"content-encoding"
        ]
        if set(encodings) - {"identity", ""}:
            self._fail("compressed", ", ".join(encodings))

    def _read(self, response: httpcore2.Response) -> None:
        body, limit = bytearray(), self._service.max_body_bytes
        try:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > limit:
                    self._fail("oversized", "")
                    break
        finally:
            self.call.reply = self._secret.masked(bytes(body[:limit]))

    def _text(self, value: bytes) -> str:
        return printable(self._secret.masked(value).decode("latin-1"), 1000)

    def _fail(self, fault: Fault, detail: str) -> None:
        self.call.fault = fault
        self.call.detail = printable(self._secret.masked_text(detail), 300)


def _untrusted(error: BaseException | None) -> bool:
    """Whether it came of a certificate: that does not pass if one waits."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _address(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def tls() -> ssl.SSLContext:
    """Trust in the roots that the system was built with, whatever the environment says."""
    return httpx2.create_ssl_context(trust_env=False)
