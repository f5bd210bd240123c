"""Everything an input can yield."""

from enricher.model.endpoint import EndpointEvent
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation

Record = EndpointEvent | Observation | CertificateRecord | ConnectionRecord
