# shellcheck shell=bash
# Runs in the SIEM's container, after packages.sh and request.sh: installs the relay, which delivers alerts to people (ElastAlert 2
# with relay/*.py). relay-start.sh gives it its secrets and starts it.
# Values: PIP_URL, RULES (names of the destinations, in order), STATE (the indices of the relay's state), GENERATION.
# Files: file_requirements, file_NAME_py for each of MODULES, file_config, file_ca, file_mappings, and file_rule_N for
# the Nth of RULES.

RELAY=dhis2-siem-relay
PROGRAM=/opt/$RELAY
SETTINGS=/etc/$RELAY
UNIT=/etc/systemd/system/$RELAY.service
# As in relay/index.ts.
MODULES="siem_relay siem_alert siem_destinations siem_key_end siem_messages siem_outages siem_secrets siem_text"

check_python() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  die "the relay needs Python 3.11 or newer, and $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release) has $(python3 --version 2>&1); make the container from a newer image (in dhis2-siem:siem, such as image: ubuntu:24.04)"
}

pip_install() {
  local host options=(--quiet --isolated --disable-pip-version-check --no-input --no-deps --require-hashes --index-url "$PIP_URL")
  if [[ $PIP_URL = http://* ]]; then
    # Safe without TLS, because every file is checked against its hash.
    host=${PIP_URL#http://}
    options+=(--trusted-host "${host%%/*}")
  fi
  "$1/bin/pip" install "${options[@]}" "${@:2}" >"$WORK/pip" 2>&1 || {
    tail -n 5 "$WORK/pip" >&2
    die "the relay's packages cannot be installed from $PIP_URL (dhis2-siem:packages, key pip); the lines above are pip's output"
  }
}

# create_environment: creates a virtual environment for exactly these packages and this Python. The old environment stays in use
# until the new one is complete.
create_environment() {
  local sum venv old
  sum=$({ file_requirements && python3 --version; } | sha256sum | cut -c 1-12)
  venv="$PROGRAM/venv-$sum"
  if [ ! -e "$venv/complete" ]; then
    say "installing the relay's packages from $PIP_URL"
    rm -rf "$venv"
    python3 -m venv "$venv"
    file_requirements >"$WORK/requirements.txt"
    # setuptools first, also checked by its hash: it builds the one package that has no wheel.
    awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$WORK/requirements.txt" >"$WORK/build.txt"
    pip_install "$venv" --requirement "$WORK/build.txt"
    pip_install "$venv" --no-build-isolation --requirement "$WORK/requirements.txt"
    touch "$venv/complete"
  fi
  if [ "$(readlink "$PROGRAM/venv" 2>/dev/null)" != "$venv" ]; then
    ln -sfn "$venv" "$PROGRAM/venv"
    CHANGED+=("$PROGRAM/venv")
  fi
  for old in "$PROGRAM"/venv-*; do [ "$old" = "$venv" ] || rm -rf "$old"; done
}

# update_mappings: for the existing indices of the state. A template's mappings count only for new indices, and these indices are
# created once.
update_mappings() {
  local index status
  file_mappings >"$WORK/mappings"
  for index in $STATE; do
    status=$(send_to_elasticsearch PUT "$index/_mapping" "$WORK/mappings")
    case $status in
      200 | 404) ;; # 404: the relay has not run yet, and the template applies when it does
      *) fail_request "the mappings of $index cannot be changed" "$status" ;;
    esac
  done
}

# write_rules: writes one file for each destination, and deletes the files of destinations that are gone.
write_rules() {
  local name number=0 file
  install -d -m 0750 -g "$RELAY" "$SETTINGS/rules"
  for name in $RULES; do
    put_file "$SETTINGS/rules/$name.yaml" 0640 "root:$RELAY" < <("file_rule_$number")
    number=$((number + 1))
  done
  for file in "$SETTINGS"/rules/*; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .yaml)
    case " $RULES " in *" $name "*) continue ;; esac
    rm -f "$file"
    CHANGED+=("$file")
  done
}

write_unit() {
  put_file "$UNIT" 0644 root:root <<SERVICE
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Delivers the SIEM's alerts to people
After=network-online.target elasticsearch.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User=$RELAY
ExecStart=$PROGRAM/venv/bin/python -s -B $PROGRAM/lib/siem_relay.py --config $SETTINGS/config.yaml --secrets $SETTINGS/secrets.json
Restart=always
RestartSec=5
# Long enough to finish sending the current message.
TimeoutStopSec=90
UMask=0077
# What the relay knows about outages, over its own restarts.
StateDirectory=$RELAY
StateDirectoryMode=0700
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
SERVICE
}

apply() {
  local before=${#CHANGED[@]} module
  ! command -v python3 >/dev/null || check_python
  need_packages ca-certificates python3 python3-venv tzdata
  check_python
  getent passwd "$RELAY" >/dev/null ||
    useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$RELAY"
  install -d -m 0755 "$PROGRAM" "$PROGRAM/lib"
  install -d -m 0750 -g "$RELAY" "$SETTINGS"
  create_environment
  update_mappings
  for module in $MODULES; do put_file "$PROGRAM/lib/$module.py" 0644 root:root < <("file_${module}_py"); done
  put_file "$SETTINGS/ca.crt" 0644 root:root < <(file_ca)
  put_file "$SETTINGS/config.yaml" 0640 "root:$RELAY" < <(file_config)
  write_rules
  write_unit
  systemctl daemon-reload
  # relay-start.sh starts it for the first time. After that, a change here restarts it.
  if systemctl is-active -q "$RELAY" && { [ "${#CHANGED[@]}" -gt "$before" ] || [ -n "$RETRY" ]; }; then
    restart_checked "$RELAY"
  fi
}

delete() {
  say "removing the relay"
  systemctl disable -q --now "$RELAY" 2>/dev/null || true
  rm -rf "$UNIT" "$PROGRAM" "$SETTINGS" "/var/lib/$RELAY" "${UNFINISHED%.unfinished}.files"
  systemctl daemon-reload
  ! getent passwd "$RELAY" >/dev/null || userdel "$RELAY"
}

main() {
  begin relay
  "$1"
  finish
}
