#!/usr/bin/env bash
# Tries nftables rules between two network namespaces of its own: one is the SIEM's container, the other has every other
# machine's address. The argument is a folder. It holds the rules (first.nft, second.nft) and tries.json, a list of
# [source, target, port]; an IPv6 target is the SIEM's. Prints one line of JSON for each phase: "before" (without rules),
# "first", "second", "loading" (while both are loaded in turn, many times), "deleted".
set -euo pipefail
FOLDER=$1
SIEM_ADDRESS=10.99.0.200 SIEM_IPV6=fd99::200

unshare -n sleep 300 &
siem=$!
trap 'kill $(jobs -p) 2>/dev/null' EXIT
until [ "$(readlink "/proc/$siem/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
in_siem() { nsenter -t "$siem" -n "$@"; }

ip link set lo up
in_siem ip link set lo up
ip link add machines type veth peer name eth0 netns "$siem"
ip link set machines up
in_siem ip link set eth0 up
for last in 1 2 10 20 60; do ip address add "10.99.0.$last/24" dev machines; done
ip address add fd99::60/64 dev machines nodad
in_siem ip address add "$SIEM_ADDRESS/24" dev eth0
in_siem ip address add "$SIEM_IPV6/64" dev eth0 nodad

# Servers on every port that is tried, for both protocols.
cat >"$FOLDER/serve.py" <<'PYTHON'
import select, socket
servers = []
for port in (22, 5601, 9200, 9300):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    servers.append(server)
print("ready", flush=True)
while True:
    for server in select.select(servers, [], [])[0]:
        server.accept()[0].close()
PYTHON
cat >"$FOLDER/try.py" <<'PYTHON'
import json, socket, sys
def attempt(source, target, port):
    try:
        socket.create_connection((target, port), timeout=2, source_address=(source, 0)).close()
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return str(error)
tries = json.load(open(sys.argv[1] + "/tries.json"))
rounds = int(sys.argv[3])
results = {}
for _ in range(rounds):
    for source, target, port in tries:
        results.setdefault(f"{source} {target} {port}", set()).add(attempt(source, target, port))
print(json.dumps({"phase": sys.argv[2], "results": {key: sorted(value) for key, value in results.items()}}), flush=True)
PYTHON

# Not by a function, whose subshell would be killed in the server's place.
nsenter -t "$siem" -n python3 "$FOLDER/serve.py" >"$FOLDER/served" &
until [ -s "$FOLDER/served" ]; do sleep 0.02; done

attempt() { python3 "$FOLDER/try.py" "$FOLDER" "$1" "$2"; }
in_siem nft add table inet others
attempt before 1
in_siem nft -f "$FOLDER/first.nft"
attempt first 1
in_siem python3 "$FOLDER/try.py" "$FOLDER/own" own 1
in_siem nft -f "$FOLDER/second.nft"
attempt second 1
while :; do
  in_siem nft -f "$FOLDER/first.nft"
  in_siem nft -f "$FOLDER/second.nft"
done &
loader=$!
attempt loading 15
kill "$loader"
wait "$loader" 2>/dev/null || true
in_siem nft -f "$FOLDER/first.nft"
in_siem nft -s list chain inet dhis2_siem input >"$FOLDER/chain"
in_siem nft delete table inet dhis2_siem
attempt deleted 1
in_siem nft list tables >"$FOLDER/tables"
