# shellcheck shell=bash
# The names, numbers and paths of one lab; core/shell.sh comes before this file. DHIS2_SIEM_LAB selects the lab: 1 (the default)
# to 4. Labs run side by side, so no two of them share a name. lab/places.ts reads this file.

LAB=${DHIS2_SIEM_LAB:-1}
[[ $LAB =~ ^[1-4]$ ]] || die "DHIS2_SIEM_LAB must be a number from 1 to 4, such as 2; it is '$LAB'"
# subnet N: prints the first three numbers of a lab's network.
subnet() { echo "10.87.$(($1 - 1))"; }
# This machine's addresses on the bridges of all labs.
BRIDGE_ADDRESSES=$(for number in 1 2 3 4; do echo "$(subnet $number).1"; done)
export BRIDGE_ADDRESSES
# The first lab's names have no number.
suffix=$([ "$LAB" = 1 ] || echo "-$LAB")
# The folder of keys, settings and state.
STATE=$CACHE/lab$suffix
# The folder of process ids. It does not depend on the cache, because a machine has only one lab of each number.
RUN=/run/dhis2-siem-lab$suffix
[ "$LAB" = 1 ] || LOGS=$LOGS/lab$suffix
STACK=dev$suffix
LXD_PROJECT=dhis2-siem-lab$suffix
POOL=$LXD_PROJECT
BRIDGE=dhis2siem$((LAB - 1))
SUBNET=$(subnet "$LAB")
BRIDGE_ADDRESS=$SUBNET.1
LOGIN=dhis2siem$suffix
SUDOERS=/etc/sudoers.d/dhis2-siem-lab$suffix
SSH_PORT=$((2221 + LAB))
FORWARD_ELASTICSEARCH=$((19199 + LAB))
FORWARD_KIBANA=$((15600 + LAB))
IMAGE=dhis2-siem-debian12
export STATE RUN LOGS STACK LXD_PROJECT POOL BRIDGE SUBNET BRIDGE_ADDRESS LOGIN SUDOERS SSH_PORT
export FORWARD_ELASTICSEARCH FORWARD_KIBANA IMAGE
# The versions of the programs that the lab builds.
export FILEBEAT_VERSION=7.17.29 PULUMI_VERSION=3.259.0
# For tests of a version change. In the lab's own mirror it is the same program with another number.
export OLDER_FILEBEAT_VERSION=7.17.28
