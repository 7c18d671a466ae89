# SPDX-License-Identifier: Apache-2.0
"""Who gets the leader's lock, asked of a real etcd: a host whose picture of the cluster is old, and one that leads by now.
Usage: python3 lock_probe.py LOCK.PY|plain PATRONI.YML.  Prints a line of JSON: case -> [what it was told, who has the lock]."""
import base64
import importlib.util
import json
import sys
import time
from types import SimpleNamespace

import yaml
from patroni.dcs import get_dcs
from patroni.ha import Ha

STRICT = {'synchronous_mode': True, 'synchronous_mode_strict': True}

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


def seen(dcs, look):
    """The cluster as it sees it, when it sees what `look` waits for."""
    until = time.time() + 10
    while True:
        cluster = dcs.get_cluster()
        if look(cluster):
            return cluster
        assert time.time() < until
        time.sleep(0.1)


def owner(dcs):
    found = dcs._client.call_rpc('/kv/range', {'key': base64.b64encode(dcs.leader_path.encode()).decode()})
    kvs = found.get('kvs', [])
    return base64.b64decode(kvs[0]['value']).decode() if kvs else None


def take(dcs, picture=None, runs=False):
    """It takes the lock that nobody has, having gone by `picture`, or by what it sees now; runs: its PostgreSQL is a primary."""
    cluster = picture or dcs.get_cluster()
    ha = SimpleNamespace(dcs=dcs, cluster=cluster, set_is_leader=lambda value: None, is_paused=cluster.is_paused,
                         patroni=SimpleNamespace(nofailover=False), _released_leader_key_timestamp=0,
                         state_handler=SimpleNamespace(is_leader=lambda: runs, is_starting=lambda: False, sysid='1'))
    return (not runs or Ha.is_healthiest_node(ha)) and Ha.acquire_lock(ha)


def case(scope, between, is_seen=False):
    """`old` led and looked; its lease ran out; what `between` does with `new`; then it keeps its lock.  is_seen: one of its
    threads has looked since."""
    old, new = host('old', scope), host('new', scope)
    old.set_config_value(json.dumps(STRICT))
    assert take(old)
    new.write_sync_state('old', ['new'])
    until = time.time() + 10
    while not (old.get_cluster().leader and old.cluster.sync.index) and time.time() < until:
        time.sleep(0.1)
    picture = old.cluster
    expire(old)
    between(old, new)
    if is_seen:
        picture = seen(old, lambda cluster: cluster.is_unlocked() and cluster.sync.leader == 'new')
    old._cluster, old._cluster_valid_till = picture, time.time() + 60  # as it was when it could hear last
    told = old._update_leader()
    result = [bool(told), owner(new)]
    new.delete_cluster()
    return result


def late(scope, between):
    """`gone` led and is silent, `old` may follow and looked; what `between` does; then `old` takes the lock."""
    gone, old, new = host('gone', scope), host('old', scope), host('new', scope)
    assert take(gone)
    new.write_sync_state('gone', ['old'])
    expire(gone)
    picture = seen(old, lambda cluster: cluster.is_unlocked() and cluster.sync.matches('old'))
    between(new)
    told = take(old, picture)
    result = [bool(told), owner(new)]
    new.delete_cluster()
    return result


def former(scope, sync, runs=True, **config):
    """`old` led once, and its PostgreSQL `runs` as if it still did; it was held up, and looks now.  `sync`: who led last, and
    whom that one waited for."""
    old, new = host('old', scope), host('new', scope)
    old.set_config_value(json.dumps({**STRICT, **config}))
    if sync:
        new.write_sync_state(*sync)
    picture = seen(old, lambda cluster: cluster.config and (not sync or cluster.sync.leader))
    told = take(old, picture, runs)
    result = [bool(told), owner(new)]
    new.delete_cluster()
    return result


def leads(old, new):
    assert take(new)
    new.write_sync_state('new', None)


def led(old, new):
    leads(old, new)
    expire(new)


print(json.dumps({
    'another leads': case('probe-leads', leads),
    'another led, and is gone': case('probe-led', led),
    'nobody led meanwhile': case('probe-nobody', lambda old, new: None),
    'another was made synchronous': late('probe-late', lambda new: new.write_sync_state('gone', ['new'])),
    'nobody was made synchronous': late('probe-heir', lambda new: None),
    'another led, and it was seen': case('probe-seen', led, is_seen=True),
    'others led, and it runs': former('probe-former', ('gone', ['new'])),
    'others led, and people paused': former('probe-paused', ('gone', ['new']), pause=True),
    'others led, and nobody is synchronous': former('probe-loose', ('gone', ['new']), synchronous_mode=False),
    'others led, and people name a standby': former('probe-named', ('gone', ['new']), runs=False),
    'it led last': former('probe-last', ('old', ['new'])),
    'it led last, alone': former('probe-alone', ('old', None)),
    'it was waited for last': former('probe-heir-runs', ('gone', ['old'])),
    'nobody led': former('probe-first', None),
}))
