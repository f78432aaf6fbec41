import datetime

from flashsale.v1 import flash_sale_pb2 as _flash_sale_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_OPENED: _ClassVar[EntryKind]
    ENTRY_KIND_PURCHASED: _ClassVar[EntryKind]
    ENTRY_KIND_HELD: _ClassVar[EntryKind]
    ENTRY_KIND_CONFIRMED: _ClassVar[EntryKind]
    ENTRY_KIND_RELEASED: _ClassVar[EntryKind]
    ENTRY_KIND_EXPIRED: _ClassVar[EntryKind]
    ENTRY_KIND_CANCELLED: _ClassVar[EntryKind]
    ENTRY_KIND_PAUSED: _ClassVar[EntryKind]
    ENTRY_KIND_RESUMED: _ClassVar[EntryKind]
    ENTRY_KIND_ENDED: _ClassVar[EntryKind]
    ENTRY_KIND_RESTOCKED: _ClassVar[EntryKind]
    ENTRY_KIND_UPDATED: _ClassVar[EntryKind]
    ENTRY_KIND_REFUSED: _ClassVar[EntryKind]
    ENTRY_KIND_FENCED: _ClassVar[EntryKind]
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_OPENED: EntryKind
ENTRY_KIND_PURCHASED: EntryKind
ENTRY_KIND_HELD: EntryKind
ENTRY_KIND_CONFIRMED: EntryKind
ENTRY_KIND_RELEASED: EntryKind
ENTRY_KIND_EXPIRED: EntryKind
ENTRY_KIND_CANCELLED: EntryKind
ENTRY_KIND_PAUSED: EntryKind
ENTRY_KIND_RESUMED: EntryKind
ENTRY_KIND_ENDED: EntryKind
ENTRY_KIND_RESTOCKED: EntryKind
ENTRY_KIND_UPDATED: EntryKind
ENTRY_KIND_REFUSED: EntryKind
ENTRY_KIND_FENCED: EntryKind

class Sale(_message.Message):
    __slots__ = ("sale_id", "title", "state", "total_stock", "available_stock", "held_stock", "sold_stock", "start_time", "end_time", "per_user_limit", "per_order_limit", "hold_duration", "position", "etag", "create_time", "paused")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STOCK_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_STOCK_FIELD_NUMBER: _ClassVar[int]
    HELD_STOCK_FIELD_NUMBER: _ClassVar[int]
    SOLD_STOCK_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PER_USER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PER_ORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HOLD_DURATION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    title: str
    state: _flash_sale_pb2.SaleState
    total_stock: int
    available_stock: int
    held_stock: int
    sold_stock: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    per_user_limit: int
    per_order_limit: int
    hold_duration: _duration_pb2.Duration
    position: int
    etag: str
    create_time: _timestamp_pb2.Timestamp
    paused: bool
    def __init__(self, sale_id: _Optional[str] = ..., title: _Optional[str] = ..., state: _Optional[_Union[_flash_sale_pb2.SaleState, str]] = ..., total_stock: _Optional[int] = ..., available_stock: _Optional[int] = ..., held_stock: _Optional[int] = ..., sold_stock: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., per_user_limit: _Optional[int] = ..., per_order_limit: _Optional[int] = ..., hold_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., position: _Optional[int] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., paused: _Optional[bool] = ...) -> None: ...

class SaleTerms(_message.Message):
    __slots__ = ("title", "start_time", "end_time", "per_user_limit", "per_order_limit", "hold_duration")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PER_USER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    PER_ORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HOLD_DURATION_FIELD_NUMBER: _ClassVar[int]
    title: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    per_user_limit: int
    per_order_limit: int
    hold_duration: _duration_pb2.Duration
    def __init__(self, title: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., per_user_limit: _Optional[int] = ..., per_order_limit: _Optional[int] = ..., hold_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CreateSaleRequest(_message.Message):
    __slots__ = ("sale_id", "sale")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    SALE_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    sale: Sale
    def __init__(self, sale_id: _Optional[str] = ..., sale: _Optional[_Union[Sale, _Mapping]] = ...) -> None: ...

class GetSaleRequest(_message.Message):
    __slots__ = ("sale_id",)
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    def __init__(self, sale_id: _Optional[str] = ...) -> None: ...

class ListSalesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSalesResponse(_message.Message):
    __slots__ = ("sales", "next_page_token")
    SALES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sales: _containers.RepeatedCompositeFieldContainer[Sale]
    next_page_token: str
    def __init__(self, sales: _Optional[_Iterable[_Union[Sale, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateSaleRequest(_message.Message):
    __slots__ = ("sale", "update_mask")
    SALE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    sale: Sale
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, sale: _Optional[_Union[Sale, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class PauseSaleRequest(_message.Message):
    __slots__ = ("sale_id", "etag")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    etag: str
    def __init__(self, sale_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ResumeSaleRequest(_message.Message):
    __slots__ = ("sale_id", "etag")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    etag: str
    def __init__(self, sale_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class EndSaleRequest(_message.Message):
    __slots__ = ("sale_id", "etag")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    etag: str
    def __init__(self, sale_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class RestockSaleRequest(_message.Message):
    __slots__ = ("sale_id", "stock_change", "etag")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    STOCK_CHANGE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    stock_change: int
    etag: str
    def __init__(self, sale_id: _Optional[str] = ..., stock_change: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class CancelPurchaseRequest(_message.Message):
    __slots__ = ("sale_id", "user_id", "purchase_id")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    user_id: str
    purchase_id: str
    def __init__(self, sale_id: _Optional[str] = ..., user_id: _Optional[str] = ..., purchase_id: _Optional[str] = ...) -> None: ...

class ListPurchasesRequest(_message.Message):
    __slots__ = ("sale_id", "page_size", "page_token")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    page_size: int
    page_token: str
    def __init__(self, sale_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPurchasesResponse(_message.Message):
    __slots__ = ("purchases", "next_page_token")
    PURCHASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    purchases: _containers.RepeatedCompositeFieldContainer[_flash_sale_pb2.Purchase]
    next_page_token: str
    def __init__(self, purchases: _Optional[_Iterable[_Union[_flash_sale_pb2.Purchase, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchEntriesRequest(_message.Message):
    __slots__ = ("sale_id", "after_position")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    after_position: int
    def __init__(self, sale_id: _Optional[str] = ..., after_position: _Optional[int] = ...) -> None: ...

class WatchEntriesResponse(_message.Message):
    __slots__ = ("entries", "position")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    position: int
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., position: _Optional[int] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("position", "kind", "stock_change", "user_id", "purchase_id", "request_id", "quantity", "record_time", "node", "arrival", "hold_expire_time", "outcome", "terms")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STOCK_CHANGE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_FIELD_NUMBER: _ClassVar[int]
    HOLD_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    position: int
    kind: EntryKind
    stock_change: int
    user_id: str
    purchase_id: str
    request_id: str
    quantity: int
    record_time: _timestamp_pb2.Timestamp
    node: str
    arrival: int
    hold_expire_time: _timestamp_pb2.Timestamp
    outcome: _flash_sale_pb2.Outcome
    terms: SaleTerms
    def __init__(self, position: _Optional[int] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., stock_change: _Optional[int] = ..., user_id: _Optional[str] = ..., purchase_id: _Optional[str] = ..., request_id: _Optional[str] = ..., quantity: _Optional[int] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., node: _Optional[str] = ..., arrival: _Optional[int] = ..., hold_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[_flash_sale_pb2.Outcome, str]] = ..., terms: _Optional[_Union[SaleTerms, _Mapping]] = ...) -> None: ...

class WatchSalesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchSalesResponse(_message.Message):
    __slots__ = ("sales",)
    SALES_FIELD_NUMBER: _ClassVar[int]
    sales: _containers.RepeatedCompositeFieldContainer[Sale]
    def __init__(self, sales: _Optional[_Iterable[_Union[Sale, _Mapping]]] = ...) -> None: ...

class WatchMetricsRequest(_message.Message):
    __slots__ = ("after_time",)
    AFTER_TIME_FIELD_NUMBER: _ClassVar[int]
    after_time: _timestamp_pb2.Timestamp
    def __init__(self, after_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WatchMetricsResponse(_message.Message):
    __slots__ = ("samples",)
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[MetricsSample]
    def __init__(self, samples: _Optional[_Iterable[_Union[MetricsSample, _Mapping]]] = ...) -> None: ...

class MetricsSample(_message.Message):
    __slots__ = ("end_time", "duration", "attempts", "outcomes", "errors", "replays", "queue_length_peak", "latency_ms_p50", "latency_ms_p99", "appends", "appends_failed", "append_ms_p50", "append_ms_p99", "circuit_state")
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_PEAK_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_P50_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_P99_FIELD_NUMBER: _ClassVar[int]
    APPENDS_FIELD_NUMBER: _ClassVar[int]
    APPENDS_FAILED_FIELD_NUMBER: _ClassVar[int]
    APPEND_MS_P50_FIELD_NUMBER: _ClassVar[int]
    APPEND_MS_P99_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_STATE_FIELD_NUMBER: _ClassVar[int]
    end_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    attempts: int
    outcomes: _containers.RepeatedCompositeFieldContainer[_flash_sale_pb2.OutcomeCount]
    errors: _containers.RepeatedCompositeFieldContainer[_flash_sale_pb2.ErrorCount]
    replays: int
    queue_length_peak: int
    latency_ms_p50: float
    latency_ms_p99: float
    appends: int
    appends_failed: int
    append_ms_p50: float
    append_ms_p99: float
    circuit_state: _flash_sale_pb2.CircuitState
    def __init__(self, end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempts: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[_flash_sale_pb2.OutcomeCount, _Mapping]]] = ..., errors: _Optional[_Iterable[_Union[_flash_sale_pb2.ErrorCount, _Mapping]]] = ..., replays: _Optional[int] = ..., queue_length_peak: _Optional[int] = ..., latency_ms_p50: _Optional[float] = ..., latency_ms_p99: _Optional[float] = ..., appends: _Optional[int] = ..., appends_failed: _Optional[int] = ..., append_ms_p50: _Optional[float] = ..., append_ms_p99: _Optional[float] = ..., circuit_state: _Optional[_Union[_flash_sale_pb2.CircuitState, str]] = ...) -> None: ...
