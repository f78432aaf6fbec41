"""The composition root: makes one server out of the rooms, the only place that knows them all.

A server is started and stopped as a whole. It starts with the ledger and ends with it: nothing
listens before every sale has been read and verified, and the ledger is let go of last.
"""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import structlog
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from starlette.types import ASGIApp

from flashsale_server.access import (
    Certificates,
    Guard,
    Role,
    WatchedFile,
    kept_tokens,
    verifying_keys,
)
from flashsale_server.checkout import (
    Checkout,
    CheckoutLimits,
    Lane,
    MetricsHistory,
    RequestMeters,
    Watching,
)
from flashsale_server.domain import SaleState, SaleTerms
from flashsale_server.grpc_api import (
    DEFAULT_SALE,
    FlashSaleServicer,
    GrpcServer,
    SaleAdminServicer,
    status_of,
)
from flashsale_server.interpreter import allow_many_connections, tune_interpreter
from flashsale_server.json_gateway import HttpServer, Service, docs_routes, http_app
from flashsale_server.ledger import Ledger, ledger_file, open_ledger
from flashsale_server.settings import Settings
from flashsale_server.telemetry import Shown, open_traces, prometheus_route, traced
from flashsale_server.web import web_routes

if TYPE_CHECKING:
    from flashsale_server.telemetry.traces import Traces

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Server:
    """A running server.

    Attributes:
        settings: what it was started with.
        node: what it calls itself in the ledger.
        sale: the lane of the sale "default".
        grpc_port, http_port: where it listens.
    """

    settings: Settings
    node: str
    sale: Lane
    grpc_port: int
    http_port: int
    _checkout: Checkout
    _watching: Watching
    _history: MetricsHistory
    _grpc: GrpcServer
    _http: HttpServer
    _ledger: Ledger
    _traces: "Traces | None"

    @property
    def ledger_location(self) -> str:
        """The ledger's URL, without secrets."""
        return self._ledger.location

    @property
    def sale_state(self) -> SaleState:
        """Where the sale "default" is in its life."""
        return self.sale.inventory.state_at(self._checkout.clock.now_us())

    @classmethod
    async def start(cls, settings: Settings, ledger: Ledger | None = None) -> Self:
        """Open the ledger, read every sale, and listen.

        `ledger` stands in for the one that the settings name.

        Raises:
            LedgerError: the ledger cannot be opened or must not be sold from.
            OSError: an address cannot be listened on.
            CertificatesUnusable, FileUnusable: files for TLS or tokens cannot be used.
            TracesUnusable: what makes traces is not installed.
        """
        node = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        async with contextlib.AsyncExitStack() as undo:
            # Who cannot listen must not have touched the ledger.
            guard = _guard(settings)
            _warn_of_tokens_in_the_clear(settings, guard)
            traces = _traces(settings, node)
            if traces is not None:
                undo.callback(traces.close)
            grpc_server, http = _doors(settings, guard)
            undo.push_async_callback(grpc_server.stop, 0)
            undo.push_async_callback(http.stop)
            grpc_port, http_port = grpc_server.listen(), http.listen()
            if ledger is None:
                ledger = await open_ledger(settings.ledger, node=node)
            undo.push_async_callback(ledger.close)
            checkout = Checkout(ledger, node=node, limits=_limits(settings), tracer=traces)
            undo.push_async_callback(checkout.drain, 0)
            sale = await _open_sales(settings, checkout)
            watching = Watching(checkout)
            history = MetricsHistory(checkout)
            undo.callback(history.stop)
            history.start()
            services = _services(checkout, watching, history, traces)
            requests = RequestMeters()
            shown = Shown(
                checkout,
                watching,
                version("flash-sale"),
                ledger_file(ledger.location),
                grpc_server.meters,
                requests,
            )
            await grpc_server.start([(item.descriptor, item.servicer) for item in services])
            http.start(_http_app(settings, services, guard, shown, requests), status_of)
            undo.pop_all()
        return cls(
            settings=settings,
            node=node,
            sale=sale,
            grpc_port=grpc_port,
            http_port=http_port,
            _checkout=checkout,
            _watching=watching,
            _history=history,
            _grpc=grpc_server,
            _http=http,
            _ledger=ledger,
            _traces=traces,
        )

    async def drain(self) -> None:
        """Take no new calls, and answer those that are there."""
        await self._grpc.not_serving()
        await self._checkout.drain(self.settings.drain_seconds)
        self._history.stop()
        self._watching.close()

    async def stop(self) -> None:
        """Drain, stop listening, and let go of the ledger last."""
        await self.drain()
        await asyncio.gather(self._grpc.stop(1.0), self._http.stop())
        await self._ledger.close()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)
        _log.info("stopped", node=self.node)


async def serve(
    settings: Settings,
    ledger: Ledger | None = None,
    started: Callable[[Server], None] = lambda _: None,
) -> None:
    """Run a server until SIGTERM or SIGINT; a second signal ends the process at once.

    `started` is told when the server is ready.
    """
    tune_interpreter()
    allow_many_connections()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_stray)

    def asked_to_stop(number: signal.Signals) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop, number)
    server = await Server.start(settings, ledger)
    gc.freeze()  # the ledger's purchases, above all
    started(server)
    await stopping.wait()
    await server.stop()


def _doors(settings: Settings, guard: Guard | None) -> tuple[GrpcServer, HttpServer]:
    certificates = _certificates(settings)
    grpc_server = GrpcServer(
        settings.grpc_address,
        settings.max_concurrent_streams,
        certificates.grpc_credentials() if certificates else None,
        guard,
        has_reflection=settings.reflection != "off",
        max_connections=settings.max_connections,
        carries_traces=settings.otlp_endpoint is not None,
    )
    http = HttpServer(
        settings.http_address,
        certificates.ssl_context() if certificates else None,
        settings.max_connections,
    )
    return grpc_server, http


async def _open_sales(settings: Settings, checkout: Checkout) -> Lane:
    """Read every sale, and open the one that the settings describe."""
    await checkout.open_all()
    sale = await checkout.open_sale(DEFAULT_SALE, _terms(settings, checkout), settings.stock)
    _warn_of_differences(settings, sale)
    return sale


def _services(
    checkout: Checkout, watching: Watching, history: MetricsHistory, traces: "Traces | None"
) -> list[Service]:
    """What can be called, and what answers."""
    buyers = pb.DESCRIPTOR.services_by_name["FlashSaleService"]
    shops = admin.DESCRIPTOR.services_by_name["SaleAdminService"]
    servicer: object = FlashSaleServicer(checkout, watching, version("flash-sale"))
    if traces is not None:
        servicer = traced(buyers, servicer, traces)
    return [
        Service(buyers, servicer),
        Service(shops, SaleAdminServicer(checkout, watching, history)),
    ]


def _http_app(
    settings: Settings,
    services: Sequence[Service],
    guard: Guard | None,
    shown: Shown,
    requests: RequestMeters,
) -> ASGIApp:
    return http_app(
        services,
        status_of=status_of,
        cors_origins=settings.cors_origins,
        guard=guard,
        extra_routes=[
            *docs_routes(services, title="Flash Sale", version=version("flash-sale")),
            *web_routes(),
            prometheus_route(shown, guard),
        ],
        meters=requests,
        carries_traces=settings.otlp_endpoint is not None,
    )


def _certificates(settings: Settings) -> Certificates | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    client_ca = settings.tls_client_ca
    return Certificates(
        Path(settings.tls_cert), Path(settings.tls_key), Path(client_ca) if client_ca else None
    )


def _warn_of_tokens_in_the_clear(settings: Settings, guard: Guard | None) -> None:
    """Something in front may speak TLS; where nothing does, tokens can be read on their way."""
    for address in settings.addresses_beyond_loopback:
        if guard is not None and settings.tls_cert is None:
            _log.warning(
                "tokens come in the clear, unless something in front speaks TLS", at=address
            )


def _log_stray(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nobody waits for, by the rules of this log and not asyncio's."""
    error = context.get("exception")
    _log.error("an exception that nobody waits for", what=context.get("message"), exc_info=error)


def _guard(settings: Settings) -> Guard | None:
    if settings.tokens is None and settings.jwt_keys is None:
        return None
    named = settings.tokens or ""
    is_lines = named.partition(":")[0] in {role.value for role in Role}
    tokens = kept_tokens(named) if is_lines or not named else WatchedFile(Path(named), kept_tokens)
    keys = WatchedFile(Path(settings.jwt_keys), verifying_keys) if settings.jwt_keys else None
    return Guard(
        tokens,
        keys,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        is_health_open=settings.health == "open",
        is_reflection_open=settings.reflection == "open",
    )


def _traces(settings: Settings, node: str) -> "Traces | None":
    if settings.otlp_endpoint is None:
        return None
    return open_traces(
        settings.otlp_endpoint,
        ratio=settings.trace_ratio,
        node=node,
        version=version("flash-sale"),
    )


def _limits(settings: Settings) -> CheckoutLimits:
    return CheckoutLimits(
        batch_size=settings.batch_size,
        max_queue=settings.max_queue,
        rate_limit_per_minute=settings.rate_limit_per_minute,
        breaker_failures=settings.breaker_failures,
        breaker_cooldown_seconds=settings.breaker_cooldown_seconds,
    )


def _terms(settings: Settings, checkout: Checkout) -> SaleTerms:
    starts_at_us = settings.starts_at
    return SaleTerms(
        title=settings.title,
        starts_at_us=checkout.clock.now_us() if starts_at_us is None else starts_at_us,
        ends_at_us=settings.ends_at,
        per_user_limit=settings.per_user_limit,
        hold_us=round(settings.hold_seconds * 1_000) * 1_000,
    )


def _warn_of_differences(settings: Settings, sale: Lane) -> None:
    """Where what was set differs from the ledger the ledger wins; whoever set it should know."""
    terms = sale.inventory.terms
    pairs = {
        "stock": (settings.stock, sale.inventory.total_stock),
        "title": (settings.title, terms.title),
        "per_user_limit": (settings.per_user_limit, terms.per_user_limit),
        "hold_seconds": (settings.hold_seconds, terms.hold_us / 1e6),
        "ends_at": (settings.ends_at, terms.ends_at_us),
        "starts_at": (settings.starts_at or terms.starts_at_us, terms.starts_at_us),
    }
    for name, (wanted, kept) in pairs.items():
        if name in settings.given and wanted != kept:
            _log.warning("the ledger wins over a setting", setting=name, set=wanted, ledger=kept)
