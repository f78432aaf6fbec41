import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_PURCHASED: _ClassVar[Outcome]
    OUTCOME_HELD: _ClassVar[Outcome]
    OUTCOME_SOLD_OUT: _ClassVar[Outcome]
    OUTCOME_INSUFFICIENT_STOCK: _ClassVar[Outcome]
    OUTCOME_ALREADY_PURCHASED: _ClassVar[Outcome]
    OUTCOME_USER_LIMIT_REACHED: _ClassVar[Outcome]
    OUTCOME_NOT_STARTED: _ClassVar[Outcome]
    OUTCOME_PAUSED: _ClassVar[Outcome]
    OUTCOME_ENDED: _ClassVar[Outcome]

class SaleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SALE_STATE_UNSPECIFIED: _ClassVar[SaleState]
    SALE_STATE_UPCOMING: _ClassVar[SaleState]
    SALE_STATE_LIVE: _ClassVar[SaleState]
    SALE_STATE_PAUSED: _ClassVar[SaleState]
    SALE_STATE_SOLD_OUT: _ClassVar[SaleState]
    SALE_STATE_ENDED: _ClassVar[SaleState]

class PurchaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURCHASE_STATE_UNSPECIFIED: _ClassVar[PurchaseState]
    PURCHASE_STATE_HELD: _ClassVar[PurchaseState]
    PURCHASE_STATE_CONFIRMED: _ClassVar[PurchaseState]
    PURCHASE_STATE_RELEASED: _ClassVar[PurchaseState]
    PURCHASE_STATE_CANCELLED: _ClassVar[PurchaseState]

class SystemHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYSTEM_HEALTH_UNSPECIFIED: _ClassVar[SystemHealth]
    SYSTEM_HEALTH_HEALTHY: _ClassVar[SystemHealth]
    SYSTEM_HEALTH_DEGRADED: _ClassVar[SystemHealth]
    SYSTEM_HEALTH_UNHEALTHY: _ClassVar[SystemHealth]

class CircuitState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CIRCUIT_STATE_UNSPECIFIED: _ClassVar[CircuitState]
    CIRCUIT_STATE_CLOSED: _ClassVar[CircuitState]
    CIRCUIT_STATE_OPEN: _ClassVar[CircuitState]
    CIRCUIT_STATE_HALF_OPEN: _ClassVar[CircuitState]

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FIELD: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_ID_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_SALE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_PURCHASE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_HOLD_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_ETAG_MISMATCH: _ClassVar[ErrorReason]
    ERROR_REASON_USER_RATE_LIMITED: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_CIRCUIT_OPEN: _ClassVar[ErrorReason]
    ERROR_REASON_OUTCOME_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_SHUTTING_DOWN: _ClassVar[ErrorReason]
    ERROR_REASON_LEDGER_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_SALE_UNREADABLE: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_WATCHERS: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_UNAUTHENTICATED: _ClassVar[ErrorReason]
    ERROR_REASON_PERMISSION_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_PATH_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_METHOD_NOT_ALLOWED: _ClassVar[ErrorReason]
    ERROR_REASON_BODY_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_HOLD_RELEASED: _ClassVar[ErrorReason]
    ERROR_REASON_PURCHASE_CONFIRMED: _ClassVar[ErrorReason]
    ERROR_REASON_PURCHASE_CANCELLED: _ClassVar[ErrorReason]
    ERROR_REASON_SALE_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_SALE_ENDED: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_ENOUGH_UNSOLD: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_CONNECTIONS: _ClassVar[ErrorReason]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_PURCHASED: Outcome
OUTCOME_HELD: Outcome
OUTCOME_SOLD_OUT: Outcome
OUTCOME_INSUFFICIENT_STOCK: Outcome
OUTCOME_ALREADY_PURCHASED: Outcome
OUTCOME_USER_LIMIT_REACHED: Outcome
OUTCOME_NOT_STARTED: Outcome
OUTCOME_PAUSED: Outcome
OUTCOME_ENDED: Outcome
SALE_STATE_UNSPECIFIED: SaleState
SALE_STATE_UPCOMING: SaleState
SALE_STATE_LIVE: SaleState
SALE_STATE_PAUSED: SaleState
SALE_STATE_SOLD_OUT: SaleState
SALE_STATE_ENDED: SaleState
PURCHASE_STATE_UNSPECIFIED: PurchaseState
PURCHASE_STATE_HELD: PurchaseState
PURCHASE_STATE_CONFIRMED: PurchaseState
PURCHASE_STATE_RELEASED: PurchaseState
PURCHASE_STATE_CANCELLED: PurchaseState
SYSTEM_HEALTH_UNSPECIFIED: SystemHealth
SYSTEM_HEALTH_HEALTHY: SystemHealth
SYSTEM_HEALTH_DEGRADED: SystemHealth
SYSTEM_HEALTH_UNHEALTHY: SystemHealth
CIRCUIT_STATE_UNSPECIFIED: CircuitState
CIRCUIT_STATE_CLOSED: CircuitState
CIRCUIT_STATE_OPEN: CircuitState
CIRCUIT_STATE_HALF_OPEN: CircuitState
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_FIELD: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_SALE_NOT_FOUND: ErrorReason
ERROR_REASON_PURCHASE_NOT_FOUND: ErrorReason
ERROR_REASON_HOLD_EXPIRED: ErrorReason
ERROR_REASON_ETAG_MISMATCH: ErrorReason
ERROR_REASON_USER_RATE_LIMITED: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_CIRCUIT_OPEN: ErrorReason
ERROR_REASON_OUTCOME_UNKNOWN: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_LEDGER_UNAVAILABLE: ErrorReason
ERROR_REASON_SALE_UNREADABLE: ErrorReason
ERROR_REASON_TOO_MANY_WATCHERS: ErrorReason
ERROR_REASON_DEADLINE_EXCEEDED: ErrorReason
ERROR_REASON_UNAUTHENTICATED: ErrorReason
ERROR_REASON_PERMISSION_DENIED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_PATH_NOT_FOUND: ErrorReason
ERROR_REASON_METHOD_NOT_ALLOWED: ErrorReason
ERROR_REASON_BODY_TOO_LARGE: ErrorReason
ERROR_REASON_HOLD_RELEASED: ErrorReason
ERROR_REASON_PURCHASE_CONFIRMED: ErrorReason
ERROR_REASON_PURCHASE_CANCELLED: ErrorReason
ERROR_REASON_SALE_EXISTS: ErrorReason
ERROR_REASON_SALE_ENDED: ErrorReason
ERROR_REASON_NOT_ENOUGH_UNSOLD: ErrorReason
ERROR_REASON_TOO_MANY_CONNECTIONS: ErrorReason

class Purchase(_message.Message):
    __slots__ = ("purchase_id", "sale_id", "user_id", "request_id", "quantity", "state", "position", "create_time", "hold_expire_time")
    PURCHASE_ID_FIELD_NUMBER: _ClassVar[int]
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLD_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    purchase_id: str
    sale_id: str
    user_id: str
    request_id: str
    quantity: int
    state: PurchaseState
    position: int
    create_time: _timestamp_pb2.Timestamp
    hold_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, purchase_id: _Optional[str] = ..., sale_id: _Optional[str] = ..., user_id: _Optional[str] = ..., request_id: _Optional[str] = ..., quantity: _Optional[int] = ..., state: _Optional[_Union[PurchaseState, str]] = ..., position: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hold_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ("sale_id",)
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    def __init__(self, sale_id: _Optional[str] = ...) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("sale_id", "title", "state", "total_stock", "available_stock", "held_stock", "sold_stock", "sold_out", "start_time", "end_time", "per_user_limit", "hold_duration", "queue_length", "system_health", "position", "server_time", "paused")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STOCK_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_STOCK_FIELD_NUMBER: _ClassVar[int]
    HELD_STOCK_FIELD_NUMBER: _ClassVar[int]
    SOLD_STOCK_FIELD_NUMBER: _ClassVar[int]
    SOLD_OUT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PER_USER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HOLD_DURATION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_HEALTH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    title: str
    state: SaleState
    total_stock: int
    available_stock: int
    held_stock: int
    sold_stock: int
    sold_out: bool
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    per_user_limit: int
    hold_duration: _duration_pb2.Duration
    queue_length: int
    system_health: SystemHealth
    position: int
    server_time: _timestamp_pb2.Timestamp
    paused: bool
    def __init__(self, sale_id: _Optional[str] = ..., title: _Optional[str] = ..., state: _Optional[_Union[SaleState, str]] = ..., total_stock: _Optional[int] = ..., available_stock: _Optional[int] = ..., held_stock: _Optional[int] = ..., sold_stock: _Optional[int] = ..., sold_out: _Optional[bool] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., per_user_limit: _Optional[int] = ..., hold_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., queue_length: _Optional[int] = ..., system_health: _Optional[_Union[SystemHealth, str]] = ..., position: _Optional[int] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., paused: _Optional[bool] = ...) -> None: ...

class WatchStatusRequest(_message.Message):
    __slots__ = ("sale_id", "min_interval")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    min_interval: _duration_pb2.Duration
    def __init__(self, sale_id: _Optional[str] = ..., min_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: StatusResponse
    def __init__(self, status: _Optional[_Union[StatusResponse, _Mapping]] = ...) -> None: ...

class PurchaseRequest(_message.Message):
    __slots__ = ("user_id", "quantity", "request_id", "sale_id", "retry", "timeout")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    quantity: int
    request_id: str
    sale_id: str
    retry: bool
    timeout: _duration_pb2.Duration
    def __init__(self, user_id: _Optional[str] = ..., quantity: _Optional[int] = ..., request_id: _Optional[str] = ..., sale_id: _Optional[str] = ..., retry: _Optional[bool] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PurchaseResponse(_message.Message):
    __slots__ = ("outcome", "request_id", "sale_id", "replayed", "purchase", "start_time", "available_stock")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_STOCK_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    request_id: str
    sale_id: str
    replayed: bool
    purchase: Purchase
    start_time: _timestamp_pb2.Timestamp
    available_stock: int
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., request_id: _Optional[str] = ..., sale_id: _Optional[str] = ..., replayed: _Optional[bool] = ..., purchase: _Optional[_Union[Purchase, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., available_stock: _Optional[int] = ...) -> None: ...

class PurchaseResult(_message.Message):
    __slots__ = ("request_id", "response", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    response: PurchaseResponse
    error: _status_pb2.Status
    def __init__(self, request_id: _Optional[str] = ..., response: _Optional[_Union[PurchaseResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchPurchaseRequest(_message.Message):
    __slots__ = ("requests", "sale_id", "columns")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[PurchaseRequest]
    sale_id: str
    columns: PurchaseColumns
    def __init__(self, requests: _Optional[_Iterable[_Union[PurchaseRequest, _Mapping]]] = ..., sale_id: _Optional[str] = ..., columns: _Optional[_Union[PurchaseColumns, _Mapping]] = ...) -> None: ...

class PurchaseColumns(_message.Message):
    __slots__ = ("user_ids", "request_ids")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    request_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ..., request_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchPurchaseResponse(_message.Message):
    __slots__ = ("results", "columns")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PurchaseResult]
    columns: ResultColumns
    def __init__(self, results: _Optional[_Iterable[_Union[PurchaseResult, _Mapping]]] = ..., columns: _Optional[_Union[ResultColumns, _Mapping]] = ...) -> None: ...

class ResultColumns(_message.Message):
    __slots__ = ("outcomes", "purchase_ids", "positions", "create_times_us", "others")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_IDS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIMES_US_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedScalarFieldContainer[Outcome]
    purchase_ids: _containers.RepeatedScalarFieldContainer[str]
    positions: _containers.RepeatedScalarFieldContainer[int]
    create_times_us: _containers.RepeatedScalarFieldContainer[int]
    others: _containers.RepeatedCompositeFieldContainer[PlacedResult]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, str]]] = ..., purchase_ids: _Optional[_Iterable[str]] = ..., positions: _Optional[_Iterable[int]] = ..., create_times_us: _Optional[_Iterable[int]] = ..., others: _Optional[_Iterable[_Union[PlacedResult, _Mapping]]] = ...) -> None: ...

class PlacedResult(_message.Message):
    __slots__ = ("place", "result")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    place: int
    result: PurchaseResult
    def __init__(self, place: _Optional[int] = ..., result: _Optional[_Union[PurchaseResult, _Mapping]] = ...) -> None: ...

class StreamPurchasesRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: PurchaseRequest
    def __init__(self, request: _Optional[_Union[PurchaseRequest, _Mapping]] = ...) -> None: ...

class StreamPurchasesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PurchaseResult]
    def __init__(self, results: _Optional[_Iterable[_Union[PurchaseResult, _Mapping]]] = ...) -> None: ...

class GetPurchaseRequest(_message.Message):
    __slots__ = ("user_id", "sale_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    sale_id: str
    def __init__(self, user_id: _Optional[str] = ..., sale_id: _Optional[str] = ...) -> None: ...

class GetPurchaseResponse(_message.Message):
    __slots__ = ("purchased", "purchases")
    PURCHASED_FIELD_NUMBER: _ClassVar[int]
    PURCHASES_FIELD_NUMBER: _ClassVar[int]
    purchased: bool
    purchases: _containers.RepeatedCompositeFieldContainer[Purchase]
    def __init__(self, purchased: _Optional[bool] = ..., purchases: _Optional[_Iterable[_Union[Purchase, _Mapping]]] = ...) -> None: ...

class ConfirmPurchaseRequest(_message.Message):
    __slots__ = ("sale_id", "user_id", "purchase_id")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    user_id: str
    purchase_id: str
    def __init__(self, sale_id: _Optional[str] = ..., user_id: _Optional[str] = ..., purchase_id: _Optional[str] = ...) -> None: ...

class ConfirmPurchaseResponse(_message.Message):
    __slots__ = ("purchase",)
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    purchase: Purchase
    def __init__(self, purchase: _Optional[_Union[Purchase, _Mapping]] = ...) -> None: ...

class ReleasePurchaseRequest(_message.Message):
    __slots__ = ("sale_id", "user_id", "purchase_id")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    user_id: str
    purchase_id: str
    def __init__(self, sale_id: _Optional[str] = ..., user_id: _Optional[str] = ..., purchase_id: _Optional[str] = ...) -> None: ...

class ReleasePurchaseResponse(_message.Message):
    __slots__ = ("purchase",)
    PURCHASE_FIELD_NUMBER: _ClassVar[int]
    purchase: Purchase
    def __init__(self, purchase: _Optional[_Union[Purchase, _Mapping]] = ...) -> None: ...

class MetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MetricsResponse(_message.Message):
    __slots__ = ("node", "uptime", "attempts", "outcomes", "errors", "replays", "success_rate", "queue_length", "queue_length_peak", "queue_capacity", "batches", "batch_size_mean", "batch_size_max", "latency_ms_p50", "latency_ms_p95", "latency_ms_p99", "appends", "appends_failed", "appends_conflicted", "append_ms_p50", "append_ms_p99", "circuit_state", "active_users", "watchers")
    NODE_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_PEAK_FIELD_NUMBER: _ClassVar[int]
    QUEUE_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_MEAN_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_MAX_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_P50_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_P95_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_P99_FIELD_NUMBER: _ClassVar[int]
    APPENDS_FIELD_NUMBER: _ClassVar[int]
    APPENDS_FAILED_FIELD_NUMBER: _ClassVar[int]
    APPENDS_CONFLICTED_FIELD_NUMBER: _ClassVar[int]
    APPEND_MS_P50_FIELD_NUMBER: _ClassVar[int]
    APPEND_MS_P99_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_STATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_USERS_FIELD_NUMBER: _ClassVar[int]
    WATCHERS_FIELD_NUMBER: _ClassVar[int]
    node: str
    uptime: _duration_pb2.Duration
    attempts: int
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeCount]
    errors: _containers.RepeatedCompositeFieldContainer[ErrorCount]
    replays: int
    success_rate: float
    queue_length: int
    queue_length_peak: int
    queue_capacity: int
    batches: int
    batch_size_mean: float
    batch_size_max: int
    latency_ms_p50: float
    latency_ms_p95: float
    latency_ms_p99: float
    appends: int
    appends_failed: int
    appends_conflicted: int
    append_ms_p50: float
    append_ms_p99: float
    circuit_state: CircuitState
    active_users: int
    watchers: int
    def __init__(self, node: _Optional[str] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempts: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeCount, _Mapping]]] = ..., errors: _Optional[_Iterable[_Union[ErrorCount, _Mapping]]] = ..., replays: _Optional[int] = ..., success_rate: _Optional[float] = ..., queue_length: _Optional[int] = ..., queue_length_peak: _Optional[int] = ..., queue_capacity: _Optional[int] = ..., batches: _Optional[int] = ..., batch_size_mean: _Optional[float] = ..., batch_size_max: _Optional[int] = ..., latency_ms_p50: _Optional[float] = ..., latency_ms_p95: _Optional[float] = ..., latency_ms_p99: _Optional[float] = ..., appends: _Optional[int] = ..., appends_failed: _Optional[int] = ..., appends_conflicted: _Optional[int] = ..., append_ms_p50: _Optional[float] = ..., append_ms_p99: _Optional[float] = ..., circuit_state: _Optional[_Union[CircuitState, str]] = ..., active_users: _Optional[int] = ..., watchers: _Optional[int] = ...) -> None: ...

class OutcomeCount(_message.Message):
    __slots__ = ("outcome", "count")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    count: int
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., count: _Optional[int] = ...) -> None: ...

class ErrorCount(_message.Message):
    __slots__ = ("reason", "count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: ErrorReason
    count: int
    def __init__(self, reason: _Optional[_Union[ErrorReason, str]] = ..., count: _Optional[int] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("health", "reasons", "node", "version", "uptime", "circuit_state", "queue_length", "queue_capacity", "memory_bytes", "ledger", "draining")
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_STATE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    QUEUE_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    health: SystemHealth
    reasons: _containers.RepeatedScalarFieldContainer[str]
    node: str
    version: str
    uptime: _duration_pb2.Duration
    circuit_state: CircuitState
    queue_length: int
    queue_capacity: int
    memory_bytes: int
    ledger: str
    draining: bool
    def __init__(self, health: _Optional[_Union[SystemHealth, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., node: _Optional[str] = ..., version: _Optional[str] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., circuit_state: _Optional[_Union[CircuitState, str]] = ..., queue_length: _Optional[int] = ..., queue_capacity: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., ledger: _Optional[str] = ..., draining: _Optional[bool] = ...) -> None: ...
