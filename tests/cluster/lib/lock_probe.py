# SPDX-License-Identifier: Apache-2.0
"""Who gets the leader's lock, and who may follow, asked of a real etcd: a host whose picture of the cluster is old, one that leads by
now, one that gave up, one that no standby hears.
Usage: python3 lock_probe.py LOCK.PY|plain PATRONI.YML.  Prints a line of JSON: case -> [what it was told, who has the lock
(of one that gave up: does it stand back?)]; of standbys, [whom `sync` names, whom PostgreSQL was told to wait for]."""
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


class Quiet:
    """Stands for what a host without PostgreSQL does not have; whatever is asked of it is done and is nothing."""
    result = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def __getattr__(self, _):
        return lambda *args, **kwargs: None


def leader(dcs, cluster, streaming=(), candidates=(), waits=None, runs=True):
    """`dcs` has the lock; runs: its PostgreSQL is a primary, `streaming` follow it, of whom `candidates` may be waited for, and it
    waits for `waits`.  The names that it is told to wait for come into .named."""
    ha = SimpleNamespace(dcs=dcs, cluster=cluster, named=None, _released_leader_key_timestamp=0, is_paused=cluster.is_paused,
                         is_synchronous_mode=lambda: True, is_synchronous_mode_strict=lambda: True, watchdog=SimpleNamespace(is_running=True),
                         _async_response=Quiet(), _async_executor=Quiet(), release_leader_key_voluntarily=lambda: dcs.delete_leader(None),
                         patroni=SimpleNamespace(config={'synchronous_node_count': 1, 'maximum_lag_on_syncnode': -1}))
    ha.state_handler = SimpleNamespace(name=dcs._name, is_leader=lambda: runs, role='master' if runs else 'replica', promote=None, sync_handler=SimpleNamespace(
        current_state=lambda *args: (list(candidates), []), set_synchronous_standby_names=lambda names: setattr(ha, 'named', names)),
        synchronous_standby_names=lambda: waits, pg_stat_replication=lambda: [{'application_name': name} for name in streaming])
    return ha


def leading(scope, by='old', **config):
    """`old` has the lock, `new` follows it and is waited for, by the word of `by`."""
    old, new = host('old', scope), host('new', scope)
    old.set_config_value(json.dumps({**STRICT, **config}))
    assert take(old)
    new.write_sync_state(by, ['new'])
    return old, new


def gave_up(scope, state='running', tags={}, is_synchronous=True, **config):
    """`old` was demoted and has its lock yet; `new` is in that state, or gone (None).  Also: does it stand back?"""
    old, new = leading(scope, **config)
    if state:
        new.touch_member({'state': state, 'role': 'replica', 'api_url': '', 'conn_url': '', 'tags': tags})
    picture = seen(old, lambda cluster: cluster.config and cluster.leader and cluster.sync.members and bool(cluster.members) == bool(state))
    ha = leader(old, picture, runs=False)
    ha.is_synchronous_mode = lambda: is_synchronous
    told = Ha.enforce_primary_role(ha, 'no action', 'promoted self to leader because I had the session lock')
    result = [told.split()[0], owner(new), ha._released_leader_key_timestamp > 0]
    new.delete_cluster()
    return result


def alone(scope, streaming, candidates, waits='new', by='old'):
    """`new` streams no longer, `streaming` do; whom `sync`, which `by` wrote, names then, and PostgreSQL if it was told anything."""
    old, new = leading(scope, by)
    ha = leader(old, seen(old, lambda cluster: cluster.leader and cluster.sync.members), streaming, candidates, waits)
    Ha.process_sync_replication(ha)
    result = [old.get_cluster().sync.members, ha.named]
    new.delete_cluster()
    return result


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
    'it gave up, and another may lead': gave_up('probe-gave-up'),
    'it gave up, and nobody else is there': gave_up('probe-gave-up-alone', state=None),
    'it gave up, and the other starts': gave_up('probe-gave-up-start', state='starting'),
    'it gave up, and the other may not lead': gave_up('probe-gave-up-tag', tags={'nofailover': True}),
    'it gave up, and people paused': gave_up('probe-gave-up-paused', pause=True),
    'no standby streams': alone('probe-deserted', [], []),
    'it gave up, and commits wait for nobody': gave_up('probe-gave-up-loose', is_synchronous=False),
    'no standby streams, and any would do': alone('probe-any', [], [], waits='*'),
    'it streams, and any would do': alone('probe-any-streams', ['new'], ['new'], waits='*'),
    'no standby streams, and two are waited for': alone('probe-two', [], [], waits='2 (new,third)'),
    'no standby streams, and another led': alone('probe-other-led', [], [], by='gone'),
    'another standby streams': alone('probe-other', ['third'], ['third']),
    'another streams that may not be waited for': alone('probe-barred', ['third'], []),
}))
