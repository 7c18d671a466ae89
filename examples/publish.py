#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A house's places with Python's standard library alone: read the units, set one, watch events.
  publish.py read
  publish.py set "2. szoba" free|occupied
  publish.py watch [SECONDS]
Environment: MENEDEK_SERVER https://HOST:PORT, MENEDEK_CA, MENEDEK_CERT, MENEDEK_KEY (PEM files), MENEDEK_USER, and
MENEDEK_PASSPHRASE_FILE, which only its owner may read.
"""
import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse

server = urllib.parse.urlsplit(os.environ["MENEDEK_SERVER"])
tls = ssl.create_default_context(cafile=os.environ["MENEDEK_CA"])
tls.minimum_version = ssl.TLSVersion.TLSv1_3
tls.load_cert_chain(os.environ["MENEDEK_CERT"], os.environ["MENEDEK_KEY"])
token = None


def connect(timeout=30):
    return http.client.HTTPSConnection(server.hostname, server.port, context=tls, timeout=timeout)


def headers(**more):
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **more}


def call(method, path, body=None, **more):
    """The status and the JSON of one call; waits where the registry says so."""
    while True:
        link = connect()
        link.request(method, path, None if body is None else json.dumps(body), headers(**more))
        answer = link.getresponse()
        text = answer.read()
        link.close()
        if answer.status not in (429, 503):
            return answer.status, json.loads(text) if text else None
        time.sleep(min(int(answer.getheader("Retry-After", "1")), 60))


def need(wanted, result):
    status, answer = result
    if status != wanted:
        sys.exit(f"{answer.get('detail') or answer.get('title')} ({answer.get('code')})")
    return answer


def sign_in():
    global token
    with open(os.environ["MENEDEK_PASSPHRASE_FILE"], encoding="utf-8") as file:
        body = {"user": os.environ["MENEDEK_USER"], "passphrase": file.readline().rstrip("\n")}
    token = need(201, call("POST", "/v1/tokens", body))["access_token"]
    return need(200, call("GET", "/v1/me"))["shelters"][0]


def units(house):
    return need(200, call("GET", f"/v1/shelters/{house}/availability"))["units"]


def read(house):
    for unit in units(house):
        print(f"{unit['name']}: {unit['state']}, {unit['free_places']} of {unit['places']} free")


def set_unit(house, name, state):
    for _ in range(3):  # the ETag names the version we saw: 412 when somebody changed it meanwhile
        unit = next((u for u in units(house) if u["name"] == name), None)
        if unit is None:
            sys.exit(f"no unit called {name}")
        path = f"/v1/shelters/{house}/units/{unit['id']}/availability"
        status, answer = call("PUT", path, {"state": state}, **{"If-Match": unit["etag"]})
        if status != 412:
            break
    print(f"{name}: {need(200, (status, answer))['state']}")


def watch(seconds=None):
    """Events until ${seconds} are over; Last-Event-ID, kept anywhere, lets a later reader go on after the last."""
    end = time.monotonic() + float(seconds) if seconds else None
    link = connect(timeout=20 if end is None else float(seconds))
    link.request("GET", "/v1/events", headers=headers(Accept="text/event-stream"))
    answer = link.getresponse()
    try:
        while end is None or time.monotonic() < end:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("event:"):
                print(line, flush=True)
    except TimeoutError:
        pass


if __name__ == "__main__":
    jobs = {"read": read, "set": set_unit, "watch": lambda _, *rest: watch(*rest)}
    if len(sys.argv) < 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    jobs[sys.argv[1]](sign_in(), *sys.argv[2:])
