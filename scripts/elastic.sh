# shellcheck shell=bash
# Runs in the SIEM's container: Elasticsearch and Kibana, with TLS, their logins and their settings.
# After request.sh, with what elastic-secrets.sh keeps. Values: ADDRESS, NAME, ELASTIC_VERSION, KIBANA_PATH, SECRETS_SUM,
# GENERATION, and those of packages.sh. Files: file_elasticsearch_yml, file_heap_options, file_kibana_yml.
# Prints a line of JSON: the CA, its fingerprint and the cluster's id; cluster.sh reads the same from the file it leaves.

# certificates: a CA that stays in this container (its key for root only), and one certificate for both servers.
certificates() {
  mkdir -p "$TLS"
  chmod 0700 "$TLS"
  if [ ! -s "$TLS/ca.crt" ]; then
    say "making the certificate authority"
    # Settings of its own: those of an older system would give the extension a second time.
    printf '[req]\ndistinguished_name = name\n[name]\n' >"$WORK/openssl.cnf"
    openssl req -config "$WORK/openssl.cnf" -x509 -newkey rsa:3072 -sha256 -nodes -days 3650 -subj "/CN=dhis2-siem CA $NAME" \
      -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
      -keyout "$TLS/ca.key" -out "$TLS/ca.crt.new" 2>"$WORK/openssl" || die "openssl: $(tail -n 1 "$WORK/openssl")"
    mv "$TLS/ca.crt.new" "$TLS/ca.crt"
  fi
  local names="DNS:localhost,DNS:$NAME,IP:127.0.0.1,IP:$ADDRESS"
  # Made anew sixty days before it ends, and when the addresses change.
  if ! openssl x509 -in "$TLS/server.crt" -noout -checkend 5184000 >/dev/null 2>&1 || [ "$(cat "$TLS/names" 2>/dev/null)" != "$names" ]; then
    say "making the servers' certificate"
    openssl req -newkey rsa:3072 -sha256 -nodes -subj "/CN=$NAME" -keyout "$TLS/server.key" -out "$WORK/server.csr" 2>"$WORK/openssl" ||
      die "openssl: $(tail -n 1 "$WORK/openssl")"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$WORK/extensions"
    openssl x509 -req -in "$WORK/server.csr" -CA "$TLS/ca.crt" -CAkey "$TLS/ca.key" -CAcreateserial -sha256 -days 825 \
      -extfile "$WORK/extensions" -out "$TLS/server.crt" 2>"$WORK/openssl" || die "openssl: $(tail -n 1 "$WORK/openssl")"
    printf '%s\n' "$names" >"$TLS/names"
  fi
}

# give_certificates FOLDER GROUP: the servers' copies, in a folder of root's. What it is in is root's too, so that nobody puts a
# link in its place meanwhile; one may be there from when /etc/kibana was Kibana's to write to.
give_certificates() {
  [ ! -L "$1" ] || rm "$1"
  install -d -m 0750 "$1"
  chown "root:$2" "$1"
  put_file "$1/ca.crt" 0644 "root:$2" <"$TLS/ca.crt"
  put_file "$1/server.crt" 0640 "root:$2" <"$TLS/server.crt"
  put_file "$1/server.key" 0640 "root:$2" <"$TLS/server.key"
}

# keystore TOOL USER KEY NAME: puts a secret into a server's keystore when it is not the one put there before.
keystore() {
  local tool=$1 key=$3 sum mark
  sum=$(sha256sum <"$SECRETS/$4" | cut -d' ' -f1)
  mark="/var/lib/dhis2-siem/keystore-$(basename "$tool")-$key"
  if [ "$(cat "$mark" 2>/dev/null)" != "$sum" ] || ! grep -qx "$key" <<<"$(as "$2" "$tool" list 2>/dev/null)"; then
    as "$2" "$tool" add "$key" --stdin --force <"$SECRETS/$4" >/dev/null 2>"$WORK/keystore" || die "$(basename "$tool"): $(tail -n 1 "$WORK/keystore")"
    (umask 077 && printf '%s\n' "$sum" >"$mark")
    CHANGED+=("$mark")
  fi
}

as() { setpriv --reuid "$1" --regid "$1" --init-groups "${@:2}"; }

# health: the HTTP status of the cluster's health, once it is at least yellow.
health() { ask GET "_cluster/health?wait_for_status=yellow&timeout=5s"; }

elasticsearch_answers() { case $(health) in 200 | 401) ;; *) return 1 ;; esac }

# set_password LOGIN USER: gives a user of the cluster the stack's password.
set_password() {
  printf '{"password":"%s"}' "$(cat "$SECRETS/$2")" >"$WORK/password"
  [ "$(request "$1" POST "$ELASTICSEARCH/_security/user/$2/_password" "$WORK/password")" = 200 ]
}

# elasticsearch_healthy: with the stack's password, which is set by the one before where it is a new one.
elasticsearch_healthy() {
  [ "$(health)" = 200 ] || {
    [ -e "$SECRETS/elastic.previous" ] && set_password elastic@elastic.previous elastic && [ "$(health)" = 200 ]
  }
}

elasticsearch() {
  # The settings stand there before the package: its postinst then neither configures security nor prints a password.
  local folder=/etc/elasticsearch
  install -d -m 2750 "$folder" "$folder/jvm.options.d" "$folder/certs"
  local group=root
  ! getent group elasticsearch >/dev/null || group=elasticsearch
  put_file "$folder/elasticsearch.yml" 0660 "root:$group" < <(file_elasticsearch_yml)
  put_file "$folder/jvm.options.d/heap.options" 0644 "root:$group" < <(file_heap_options)
  elastic_package elasticsearch "$ELASTIC_VERSION"
  chgrp -R elasticsearch "$folder"
  give_certificates "$folder/certs" elasticsearch
  # Only for the very first start: afterwards the password is the cluster's own.
  if [ -z "$(ls -A /var/lib/elasticsearch 2>/dev/null)" ]; then
    local tool=/usr/share/elasticsearch/bin/elasticsearch-keystore
    [ -e "$folder/elasticsearch.keystore" ] || "$tool" create >/dev/null
    "$tool" add --stdin --force bootstrap.password <"$SECRETS/elastic" >/dev/null
    chgrp elasticsearch "$folder/elasticsearch.keystore"
    chmod 0660 "$folder/elasticsearch.keystore"
  fi
  # The vendor's unit leaves it dead after a crash. A start that fails is still said at once: systemctl does not wait for the next.
  put_file /etc/systemd/system/elasticsearch.service.d/50-dhis2-siem.conf 0644 root:root <<UNIT
# Written by dhis2-siem; changes made here are lost at its next update.
[Service]
Restart=on-failure
RestartSec=30s
UNIT
  systemctl daemon-reload
  systemctl enable -q elasticsearch
  if changed package:elasticsearch "$folder/elasticsearch.yml" "$folder/jvm.options.d/heap.options" "$folder/certs/server.crt" ||
    ! systemctl is-active -q elasticsearch; then
    say "starting Elasticsearch $ELASTIC_VERSION (a first start takes minutes on a small server)"
    restart_checked elasticsearch
  fi
  wait_until 600 "Elasticsearch" elasticsearch_answers || {
    journalctl -u elasticsearch -n 20 --no-pager -o cat >&2 || true
    die "Elasticsearch does not answer after ten minutes: $(tail -n 1 "$WORK/curl")"
  }
  # Its users' index may take a moment more than the server itself.
  wait_until 60 "the login of 'elastic'" elasticsearch_healthy ||
    die "Elasticsearch in this container knows another password for 'elastic' than this stack: it was set up by another hand; see 'Coming from' in the operator's guide"
  rm -f "$SECRETS"/*.previous
}

# kibana_login: sets the password of Kibana's own user where it is not yet the stack's.
kibana_login() {
  [ "$(request kibana_system GET "$ELASTICSEARCH/_security/_authenticate")" != 200 ] || return 0
  set_password elastic kibana_system ||
    die "the password of kibana_system cannot be set: $(head -c 300 "$WORK/answer")"
}

kibana_available() {
  [ "$(request elastic GET "https://127.0.0.1:5601$KIBANA_PATH/api/status")" = 200 ] &&
    grep -q '"overall":{"level":"available"' "$WORK/answer"
}

# kibana_folder TOOL: where Kibana's settings are, for it to read alone, as the vendor's package has it. The keystore's tool runs
# as Kibana's user and writes into the file that is there; it needs the folder only to make one, before Kibana's first start.
# For the group too: an upgrade of the package gives the file to root.
kibana_folder() {
  if [ ! -e /etc/kibana/kibana.keystore ]; then
    install -d -m 2770 -o root -g kibana /etc/kibana
    (umask 007 && as kibana "$1" create >/dev/null)
  fi
  install -d -m 2750 -o root -g kibana /etc/kibana
}

kibana() {
  local tool=/usr/share/kibana/bin/kibana-keystore before=${#CHANGED[@]}
  elastic_package kibana "$ELASTIC_VERSION"
  kibana_folder "$tool"
  give_certificates /etc/kibana/certs kibana
  put_file /etc/kibana/kibana.yml 0640 root:kibana < <(file_kibana_yml)
  keystore "$tool" kibana elasticsearch.password kibana_system
  keystore "$tool" kibana xpack.encryptedSavedObjects.encryptionKey key_objects
  keystore "$tool" kibana xpack.reporting.encryptionKey key_reporting
  keystore "$tool" kibana xpack.security.encryptionKey key_security
  systemctl daemon-reload
  systemctl enable -q kibana
  if [ "${#CHANGED[@]}" -gt "$before" ] || [ -n "$RETRY" ] || ! systemctl is-active -q kibana; then
    say "starting Kibana $ELASTIC_VERSION"
    restart_checked kibana
  fi
  wait_until 600 "Kibana" kibana_available || {
    journalctl -u kibana -n 10 --no-pager -o cat >&2 || true
    die "Kibana is not available after ten minutes"
  }
}

result() {
  [ "$(ask GET "")" = 200 ] || die "Elasticsearch does not answer"
  local id
  id=$(sed -n 's/.*"cluster_uuid" *: *"\([^"]*\)".*/\1/p' "$WORK/answer")
  printf '{"ca":"%s","fingerprint":"%s","clusterUuid":"%s"}\n' "$(awk '{ printf "%s\\n", $0 }' "$TLS/ca.crt")" \
    "$(openssl x509 -in "$TLS/ca.crt" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr '[:upper:]' '[:lower:]')" "$id" >"$WORK/cluster"
  put_file /var/lib/dhis2-siem/cluster.json 0644 root:root <"$WORK/cluster"
  cat "$WORK/cluster"
}

main() {
  # Removing it is the container's own deletion: what is in it goes with it.
  [ "$1" = apply ] || return 0
  begin elastic
  need_packages ca-certificates curl gnupg openssl
  certificates
  elasticsearch
  kibana_login
  kibana
  result
  finish
}
