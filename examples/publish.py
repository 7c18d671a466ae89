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
PATIENCE = 45  # seconds: a stream that says nothing for three of the registry's pings is dead
PAUSE = 2  # seconds before a stream is opened again


def connect(timeout):
    return http.client.HTTPSConnection(server.hostname, server.port, context=tls, timeout=timeout)


def headers(**more):
    return {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **more}


def ask(method, path, body=None, timeout=30, **more):
    """The answer of one call, not yet read; waits where the registry says so."""
    while True:
        link = connect(timeout)
        link.request(method, path, None if body is None else json.dumps(body), headers(**more))
        answer = link.getresponse()
        if answer.status not in (429, 503):
            return answer
        link.close()
        time.sleep(min(int(answer.getheader("Retry-After", "1")), 60))


def call(method, path, body=None, **more):
    """The status and the JSON of one call."""
    with ask(method, path, body, **more) as answer:
        text = answer.read()
    return answer.status, json.loads(text) if text else None


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


def listen(seen, end):
    """One stream of events until it ends, or ${end} has come: the status, and what was said instead of events."""
    timeout = min(PATIENCE, max(end - time.monotonic(), 0.1))
    with ask("GET", "/v1/events", timeout=timeout, Accept="text/event-stream", **seen) as answer:
        if answer.status != 200:
            return answer.status, json.loads(answer.read())
        mark = None
        for line in (line.decode().rstrip("\n") for line in answer):
            if line.startswith("event:"):
                print(line, flush=True)
            elif line.startswith("id:"):
                mark = line[len("id:"):].strip()
            elif not line and mark:  # the event is whole: kept anywhere, its id lets a later reader go on after it
                seen["Last-Event-ID"] = mark
            if time.monotonic() >= end:
                break
    return 200, None


def watch(seconds=None):
    """Events until ${seconds} are over.  No stream outlasts its token, a quarter of an hour: sign in and go on."""
    end = time.monotonic() + float(seconds or "inf")
    seen = {}
    while time.monotonic() < end:
        try:
            status, answer = listen(seen, end)
            if status == 401:
                sign_in()
            else:
                need(200, (status, answer))
        except (OSError, http.client.HTTPException) as e:  # the network fails, or the registry is started anew
            if time.monotonic() < end:
                print(e, file=sys.stderr)
        time.sleep(max(0, min(PAUSE, end - time.monotonic())))


if __name__ == "__main__":
    jobs = {"read": read, "set": set_unit, "watch": lambda _, *rest: watch(*rest)}
    if len(sys.argv) < 2 or sys.argv[1] not in jobs:
        sys.exit(__doc__)
    jobs[sys.argv[1]](sign_in(), *sys.argv[2:])
