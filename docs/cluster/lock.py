#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Patroni as Debian 12 has it (3.0.2), with its leader's lock mended.

A leader that was cut off until its lease in etcd ran out writes its name over whoever leads by then, if the picture it still
has of the cluster is from before: that release puts the key without looking what stands there, and later ones compare.  Seen
here: a host that could send but not hear came back after ten seconds and took the lock from the leader of the last four,
whose acknowledged changes its own history does not have.

Here the key is written only if it still is the one of that picture, or if there is none and nobody has been made leader
since (who is about to lead writes the key `sync` first).  Else this host does not lead.

Usage: python3 -I lock.py /etc/patroni/config.yml, in place of `patroni` (lock.conf); of another release nothing is changed.
"""
import inspect
import time

from patroni.__main__ import main
from patroni.dcs import Leader, ReturnFalseException, catch_return_false_exception
from patroni.dcs.etcd3 import Etcd3, Etcd3Error, base64_encode


def unchanged(path, index):
    """A comparison for etcd: the key is as it was at revision `index`, or was absent and is (None)."""
    kind = {'target': 'CREATE', 'create_revision': 0} if index is None else {'target': 'MOD', 'mod_revision': index}
    return {'key': base64_encode(path), **kind}


def put_lock(dcs, cluster, retry):
    """Write our name with our new lease; False if somebody else leads or led, by etcd's word and not by our picture."""
    held = isinstance(cluster.leader, Leader) and cluster.leader.name == dcs._name
    put = {'request_put': {'key': base64_encode(dcs.leader_path), 'value': base64_encode(dcs._name), 'lease': dcs._lease}}
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


def mend():
    """Is there anything to mend in this release?"""
    is_blind = list(inspect.signature(inspect.unwrap(Etcd3._update_leader)).parameters) in (['self'], ['args', 'kwargs'])
    if is_blind:
        Etcd3._update_leader = update_leader
    return is_blind


if __name__ == '__main__':
    mend()
    main()
