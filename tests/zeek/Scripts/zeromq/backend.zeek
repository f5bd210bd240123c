##! The other backend, on ports that a test was given.

@load frameworks/cluster/backend/zeromq/connect

redef Cluster::Backend::ZeroMQ::listen_xpub_endpoint = fmt("tcp://127.0.0.1:%d",
    port_to_count(to_port(getenv("XPUB_PORT"))));
redef Cluster::Backend::ZeroMQ::listen_xsub_endpoint = fmt("tcp://127.0.0.1:%d",
    port_to_count(to_port(getenv("XSUB_PORT"))));
redef Cluster::Backend::ZeroMQ::connect_xpub_endpoint =
    Cluster::Backend::ZeroMQ::listen_xsub_endpoint;
redef Cluster::Backend::ZeroMQ::connect_xsub_endpoint =
    Cluster::Backend::ZeroMQ::listen_xpub_endpoint;
