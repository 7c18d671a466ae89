#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Patroni as Debian 12 has it (3.0.2), with its leader's lock and its heir mended.

A leader that was cut off until its lease in etcd ran out writes its name over whoever leads by then, if the picture it still
has of the cluster is from before: that release puts the key without looking what stands there, and later ones compare.  Seen
here: a host that could send but not hear came back after ten seconds and took the lock from the leader of the last four,
whose acknowledged changes its own history does not have.

Here the key is written only if it still is the one of that picture, or if there is none and nobody has been made leader
since (who is about to lead writes the key `sync` first).  Else this host does not lead.

The same of taking a lock that nobody has: that release looks whether the key is there, and no more.  A host that was held up
between its look and that would take it from under whoever was made synchronous meanwhile, find itself the leader and promote
without asking again.  Here the lock is taken only if the key `sync` still is what the host went by.

Nor does it ask whose turn it is where PostgreSQL still runs as a primary: it looks at `sync` for a standby only
(`is_healthiest_node`).  One that led, stood still while another led and acknowledged changes with the third, and goes on when
that other is gone, too, takes the lock at its first look, and the third is rewound onto it.  Here it does not if `sync` names
others and not this host: it is demoted, and follows.  Whoever pauses Patroni decides that himself.

A Patroni that is started beside a PostgreSQL which leads has that release write `*` over the name of the standby that commits
wait for, and leaves it so: whoever streams may confirm a commit then, and `sync` names another.  Here the name stays.

And with no standby that streams, that release strikes the last one from `sync`, so that nobody may follow a leader which is
lost then, as on a line that loses every third packet.  Under strict synchrony nothing is acknowledged until that standby, or
another that has caught up, is there; so it has all that was, and here it stays named, in PostgreSQL and in `sync`, if both name
it and nobody else.

A leader that gave up because it could not reach etcd leads again if it hears of etcd before its lease has ended: on a bad line
again and again, for minutes in which little or nothing is acknowledged.  Here it hands the lock to whom `sync` names, if that
one runs, and stands back for as long as a lease lasts.

Usage: python3 -I lock.py /etc/patroni/config.yml, in place of `patroni` (lock.conf); of another release nothing is changed.
"""
import inspect
import logging
import time

from patroni.__main__ import main
from patroni.dcs import Leader, ReturnFalseException, catch_return_false_exception
from patroni.dcs.etcd3 import Etcd3, Etcd3Error, LeaseNotFound, base64_encode
from patroni.ha import Ha
from patroni.postgresql.config import ConfigHandler
from patroni.postgresql.sync import parse_sync_standby_names

logger = logging.getLogger(__name__)


def unchanged(path, index):
    """A comparison for etcd: the key is as it was at revision `index`, or was absent and is (None)."""
    kind = {'target': 'CREATE', 'create_revision': 0} if index is None else {'target': 'MOD', 'mod_revision': index}
    return {'key': base64_encode(path), **kind}


def name_with_lease(dcs):
    return {'request_put': {'key': base64_encode(dcs.leader_path), 'value': base64_encode(dcs._name), 'lease': dcs._lease}}


def is_for_others(cluster, name):
    """Is it written that others may lead, and not this host?  What Patroni asks of a standby."""
    sync = cluster.sync
    return bool(cluster.is_synchronous_mode() and not cluster.is_paused()
                and sync and not sync.is_empty and not sync.matches(name))


def put_lock(dcs, cluster, retry):
    """Write our name with our new lease; False if somebody else leads or led, by etcd's word and not by our picture."""
    held = isinstance(cluster.leader, Leader) and cluster.leader.name == dcs._name
    if not held and is_for_others(cluster, dcs._name):  # another thread looked since
        return False
    put = name_with_lease(dcs)
    ways = [[unchanged(dcs.leader_path, None), unchanged(dcs.sync_path, cluster.sync and cluster.sync.index)]]
    if held:
        ways.insert(0, [unchanged(dcs.leader_path, cluster.leader.index)])
    for compare in ways:
        try:
            answer = dcs._run_and_handle_exceptions(
                dcs._client.call_rpc, '/kv/txn', {'compare': compare, 'success': [put]}, retry=retry)
        except ReturnFalseException:
            return False
        if answer.get('succeeded'):
            return True
    return False


@catch_return_false_exception
def update_leader(self):
    """Keep the lease alive; with a new one, the lock has to be written anew."""
    retry = self._retry.copy()

    def patiently(*args, **kwargs):
        kwargs['retry'] = retry
        return retry(*args, **kwargs)

    self._run_and_handle_exceptions(self._do_refresh_lease, True, retry=patiently)
    cluster = self._cluster  # however old: what it says is compared with what stands there
    if not self._lease or cluster is None:
        return False
    if isinstance(cluster.leader, Leader) and cluster.leader.session == self._lease:
        return True
    retry.deadline = retry.stoptime - time.time()
    if retry.deadline < 1:
        raise Etcd3Error('update_leader timeout')
    return put_lock(self, cluster, patiently)


def take_lock(self, retry):
    """The lock that nobody has; False if somebody has it, or whoever may lead was named anew."""
    def patiently(*args, **kwargs):
        kwargs['retry'] = retry
        return retry(*args, **kwargs)

    def put():
        picture = self.went_by
        compare = [unchanged(self.leader_path, None), unchanged(self.sync_path, picture.sync and picture.sync.index)]
        answer = patiently(self._client.call_rpc, '/kv/txn', {'compare': compare, 'success': [name_with_lease(self)]})
        return bool(answer.get('succeeded'))

    try:
        return put()
    except LeaseNotFound:
        self._lease = None
        retry.deadline = retry.stoptime - time.time()
        patiently(self._do_refresh_lease)
        retry.deadline = retry.stoptime - time.time()
        if retry.deadline < 1:
            raise Etcd3Error('take_lock timeout')
        return put()


def going_by(acquire_lock):
    """A primary is asked whose turn it is; and another thread may have looked since the decision."""
    def acquire(self):
        if self.state_handler.is_leader() and is_for_others(self.cluster, self.dcs._name):
            logger.warning('PostgreSQL runs as a primary here, but %s led last: not taking the lock', self.cluster.sync.leader)
            self.set_is_leader(False)
            return False
        self.dcs.went_by = self.cluster
        return acquire_lock(self)
    return acquire


def is_strict(ha):
    return ha.is_synchronous_mode() and ha.is_synchronous_mode_strict()


def waits_for(handler, members):
    """Does PostgreSQL acknowledge nothing that these, and no others, do not have?"""
    try:
        names = parse_sync_standby_names(handler.synchronous_standby_names() or '')
    except ValueError:
        return False
    return set(names['members']) == set(members) and int(names['num']) == len(members)


def keeping_heir(process_sync_replication):
    """Who has all that was acknowledged stays named while no standby streams that could take its place.  Where PostgreSQL waits
    for others than `sync` names, as after it was started while people paused, nobody is named until one has caught up."""
    def process(self):
        sync, handler = self.cluster.sync, self.state_handler
        if not is_strict(self) or not sync.members:
            return process_sync_replication(self)
        if sync.leader != handler.name or not waits_for(handler, sync.members):
            logger.warning('PostgreSQL waits for "%s", and %s may take over: nobody may now', handler.synchronous_standby_names(), sync.members)
            self.dcs.write_sync_state(handler.name, None, index=sync.index)
            return None
        if not handler.pg_stat_replication():
            logger.warning('No standby streams: %s stays the one that may take over', sync.members)
            return None
        return process_sync_replication(self)
    return process


def keeping_name(write_postgresql_conf):
    """Whom commits wait for is read from a PostgreSQL that leads before its configuration is written for the first time."""
    def write(self, *args):
        if self._synchronous_standby_names is None and self._postgresql.is_running() and self._postgresql.is_leader():
            name = self._postgresql.query('SHOW synchronous_standby_names').fetchone()[0]
            if name and 'synchronous_standby_names' in self._server_parameters:
                self._synchronous_standby_names = self._server_parameters['synchronous_standby_names'] = name
        return write_postgresql_conf(self, *args)
    return write


def heir(cluster, name):
    """Another that runs, and that `sync` names as having all that this leader, `name`, acknowledged; or None."""
    sync = cluster.sync
    others = [m for m in cluster.members if sync.leader == name and m.name != name and m.name in sync.members]
    return next((m.name for m in others if m.is_running and not m.nofailover), None)


def handing_over(enforce_primary_role):
    """Who was demoted and still has the lock does not lead again while another may."""
    def enforce(self, message, promote_message):
        runs = self.state_handler.is_leader() or self.state_handler.role in ('master', 'promoted', 'primary')
        other = None if runs or not is_strict(self) else heir(self.cluster, self.state_handler.name)
        if other is None or 'had the session lock' not in promote_message or self.is_paused():
            return enforce_primary_role(self, message, promote_message)
        self._released_leader_key_timestamp = time.time()
        self.release_leader_key_voluntarily()
        return f'handed the lock to {other}, since I had given up leading'
    return enforce


def mend():
    """Is there anything to mend in this release?"""
    is_blind = list(inspect.signature(inspect.unwrap(Etcd3._update_leader)).parameters) in (['self'], ['args', 'kwargs'])
    if is_blind:
        Etcd3._update_leader = update_leader
        Etcd3._do_attempt_to_acquire_leader = take_lock
        Ha.acquire_lock = going_by(Ha.acquire_lock)
        Ha.process_sync_replication = keeping_heir(Ha.process_sync_replication)
        ConfigHandler.write_postgresql_conf = keeping_name(ConfigHandler.write_postgresql_conf)
        Ha.enforce_primary_role = handing_over(Ha.enforce_primary_role)
    return is_blind


if __name__ == '__main__':
    mend()
    main()
