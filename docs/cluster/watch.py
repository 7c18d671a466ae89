#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Beside Patroni on each host, as postgres: what Patroni's look once a second makes slow, and what it does not look at.
# 1. The walsender of the synchronous standby ends: Patroni looks at once.  Patroni alone writes to etcd who may take over and
#    names another standby, in that order; this only wakes it.
# 2. etcd's leader leaves the host that leads PostgreSQL: etcd's next leader grants each lease its full time anew, so losing
#    both at once keeps the dead host's lease for longer.
# 3. The disk of the host that leads is full and PostgreSQL lives, refusing each change: the synchronous standby is to lead.
import http.client
import json
import os
import select
import ssl
import sys
import time

import psycopg2
import yaml

LOOK_S = 1  # how soon a standby that has become the synchronous one is watched
ETCD_S = 10  # how often it is asked who leads etcd
FULL_B = 64 << 20  # of the data directory's file system; a segment of WAL has 16 MiB
FULL_S = 300  # if the others have no room either, it does not go round
PAUSED_S = 10  # how often a Patroni that is paused, or silent, is asked again
SYNC = ("select pid, application_name from pg_stat_replication where sync_state = 'sync' and not pg_is_in_recovery() "
        "order by 1 limit 1")


class Watch:
    def __init__(self, file):
        with open(file, encoding="utf-8") as f:
            self.config = yaml.safe_load(f)
        keys = self.config["ctl"]
        self.context = ssl.create_default_context(cafile=keys["cacert"])
        self.context.load_cert_chain(keys["certfile"], keys["keyfile"])
        self.connection = None
        self.etcd_at = 0.0
        self.full_at = 0.0

    def call(self, address, method, path, body, patience=2):
        """What ${address} (host:port) answers, within ${patience} seconds; raises OSError or ValueError."""
        host, port = address.rsplit(":", 1)
        peer = http.client.HTTPSConnection(host, int(port), timeout=patience, context=self.context)
        try:
            peer.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            answer = peer.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise ValueError(f"{path}: {answer.status} {text[:200]!r}")
            return text
        except http.client.HTTPException as e:
            raise ValueError(f"{path}: {e!r}") from e
        finally:
            peer.close()

    def synchronous(self):
        """(pid, name) of the walsender that commits wait for; None on a standby, or without one."""
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(
                    host=self.config["postgresql"]["parameters"]["unix_socket_directories"], user="postgres",
                    dbname="postgres", connect_timeout=2, application_name="menedek-watch")
                self.connection.autocommit = True
            with self.connection.cursor() as c:
                c.execute(SYNC)
                return c.fetchone()
        except psycopg2.Error:
            self.connection = None
            return None

    def wake(self, name):
        """A change of nothing wakes Patroni's loop (3.0: do_PATCH_config) and is written nowhere."""
        begun = time.monotonic()
        try:
            self.call(self.config["restapi"]["connect_address"], "PATCH", "/config", {"menedek_watch": None})
            print(f"synchronous standby {name} is gone: Patroni woken in {(time.monotonic() - begun) * 1000:.0f} ms", flush=True)
        except (OSError, ValueError) as e:
            print(f"synchronous standby {name} is gone, and Patroni was not woken: {e}", flush=True)

    def status(self, address):
        return json.loads(self.call(address, "POST", "/v3/maintenance/status", {}))

    def member(self, address):
        """(seconds that it took to answer, its number); raises OSError, ValueError or KeyError."""
        begun = time.monotonic()
        number = self.status(address)["header"]["member_id"]
        return time.monotonic() - begun, number

    def move_etcd(self):
        """If this host leads etcd as well, the member that answers the soonest takes that over: on a line that loses packets an
        answer takes longer, and who has such a line is not heard and unseated again, while Patroni waits."""
        hosts = self.config["etcd3"]["hosts"]
        own, others = hosts[0], hosts[1:]
        status = self.status(own)
        if status["leader"] != status["header"]["member_id"]:
            return
        found = []
        for other in others:
            try:
                found.append((*self.member(other), other))
            except (OSError, ValueError, KeyError) as e:
                print(f"etcd cannot be led by {other}: {e}", flush=True)
        if found:
            _, number, other = min(found)
            self.call(own, "POST", "/v3/maintenance/transfer-leadership", {"targetID": number})
            print(f"etcd is led by {other} from now on", flush=True)

    def tend_etcd(self):
        if time.monotonic() < self.etcd_at:
            return
        self.etcd_at = time.monotonic() + ETCD_S
        try:
            self.move_etcd()
        except (OSError, ValueError, KeyError) as e:
            print(f"etcd on this host does not say who leads: {e}", flush=True)

    def is_paused(self):
        return json.loads(self.call(self.config["restapi"]["connect_address"], "GET", "/patroni", None)).get("pause", False)

    def tend_disk(self, name):
        """${name} is to lead where this host, which does, has no room left; unless people have paused Patroni, who decide."""
        if time.monotonic() < self.full_at:
            return
        try:
            disk = os.statvfs(self.config["postgresql"]["data_dir"])
            if disk.f_bavail * disk.f_frsize >= FULL_B:
                return
            self.full_at = time.monotonic() + PAUSED_S
            if self.is_paused():
                return
            self.full_at = time.monotonic() + FULL_S
            self.call(self.config["restapi"]["connect_address"], "POST", "/switchover",
                      {"leader": self.config["name"], "candidate": name}, patience=15)
            print(f"the disk is full: {name} leads from now on", flush=True)
        except (OSError, ValueError) as e:
            print(f"the disk is full or does not answer, and {name} may not lead: {e}", flush=True)

    def attend(self, pid, name):
        """Until the walsender ends, or it is time to look whether it is still the one."""
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return self.wake(name)
        try:
            if select.select([fd], [], [], LOOK_S)[0]:
                self.wake(name)
        finally:
            os.close(fd)

    def run(self):
        while True:
            found = self.synchronous()
            if found is None:
                time.sleep(LOOK_S)
                continue
            self.tend_disk(found[1])
            self.attend(*found)
            self.tend_etcd()


if __name__ == "__main__":
    Watch(sys.argv[1]).run()
