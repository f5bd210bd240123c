##! The backend that Zeek 8.0 uses by default.

redef Broker::disable_ssl = T;
