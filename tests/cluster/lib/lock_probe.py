# SPDX-License-Identifier: Apache-2.0
"""Who gets the leader's lock, asked of a real etcd: a host whose picture of the cluster is old, and one that leads by now.
Usage: python3 lock_probe.py LOCK.PY|plain PATRONI.YML.  Prints a line of JSON: case -> [what it was told, who has the lock]."""
import base64
import importlib.util
import json
import sys
import time

import yaml
from patroni.dcs import get_dcs

way, file = sys.argv[1:]
if way != 'plain':
    spec = importlib.util.spec_from_file_location('lock', way)
    lock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lock)
    assert lock.mend(), 'this release needs no mending'


def host(name, scope):
    """One that has looked at the cluster and has a lease; nothing of it runs."""
    config = {**yaml.safe_load(open(file)), 'name': name, 'scope': scope, 'ttl': 30, 'loop_wait': 1, 'retry_timeout': 2}
    dcs = get_dcs(config)
    dcs.create_lease()
    dcs.get_cluster()
    return dcs


def expire(dcs):
    """Its lease runs out while it cannot hear: the key is gone, and it does not know."""
    dcs._client.call_rpc('/lease/revoke', {'ID': dcs._lease})


def owner(dcs):
    found = dcs._client.call_rpc('/kv/range', {'key': base64.b64encode(dcs.leader_path.encode()).decode()})
    kvs = found.get('kvs', [])
    return base64.b64decode(kvs[0]['value']).decode() if kvs else None


def case(scope, between):
    """`old` led and looked; its lease ran out; what `between` does with `new`; then it keeps its lock."""
    old, new = host('old', scope), host('new', scope)
    assert old.attempt_to_acquire_leader()
    new.write_sync_state('old', 'new')
    until = time.time() + 10
    while not (old.get_cluster().leader and old.cluster.sync.index) and time.time() < until:
        time.sleep(0.1)
    picture = old.cluster
    expire(old)
    between(old, new)
    old._cluster, old._cluster_valid_till = picture, time.time() + 60  # as it was when it could hear last
    told = old._update_leader()
    result = [bool(told), owner(new)]
    new.delete_cluster()
    return result


def leads(old, new):
    assert new.attempt_to_acquire_leader()
    new.write_sync_state('new', None)


def led(old, new):
    leads(old, new)
    expire(new)


print(json.dumps({
    'another leads': case('probe-leads', leads),
    'another led, and is gone': case('probe-led', led),
    'nobody led meanwhile': case('probe-nobody', lambda old, new: None),
}))
