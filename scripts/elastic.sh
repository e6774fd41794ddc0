# shellcheck shell=bash
# Runs in the SIEM's container, after request.sh: installs Elasticsearch and Kibana, with TLS, logins and settings.
# It uses the secrets that elastic-secrets.sh stored. Values: ADDRESS, NAME, ELASTIC_VERSION, KIBANA_PATH, SECRETS_SUM,
# GENERATION, and those of packages.sh. Files: file_elasticsearch_yml, file_heap_options, file_kibana_yml.
# Prints a line of JSON: the CA, its fingerprint and the cluster's id. It also writes this line to a file, for cluster.sh.

# create_certificates: a CA that stays in this container (only root can read its key), and one certificate for both servers.
create_certificates() {
  mkdir -p "$TLS"
  chmod 0700 "$TLS"
  if [ ! -s "$TLS/ca.crt" ]; then
    say "creating the certificate authority"
    # With its own settings: the openssl.cnf of an older system adds the extension a second time.
    printf '[req]\ndistinguished_name = name\n[name]\n' >"$WORK/openssl.cnf"
    openssl req -config "$WORK/openssl.cnf" -x509 -newkey rsa:3072 -sha256 -nodes -days 3650 -subj "/CN=dhis2-siem CA $NAME" \
      -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
      -keyout "$TLS/ca.key" -out "$TLS/ca.crt.new" 2>"$WORK/openssl" || die "openssl: $(tail -n 1 "$WORK/openssl")"
    mv "$TLS/ca.crt.new" "$TLS/ca.crt"
  fi
  local names="DNS:localhost,DNS:$NAME,IP:127.0.0.1,IP:$ADDRESS"
  # Recreated sixty days (in seconds: 5184000) before it expires, and when the names or addresses change.
  if ! openssl x509 -in "$TLS/server.crt" -noout -checkend 5184000 >/dev/null 2>&1 || [ "$(cat "$TLS/names" 2>/dev/null)" != "$names" ]; then
    say "creating the servers' certificate"
    openssl req -newkey rsa:3072 -sha256 -nodes -subj "/CN=$NAME" -keyout "$TLS/server.key" -out "$WORK/server.csr" 2>"$WORK/openssl" ||
      die "openssl: $(tail -n 1 "$WORK/openssl")"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$WORK/extensions"
    openssl x509 -req -in "$WORK/server.csr" -CA "$TLS/ca.crt" -CAkey "$TLS/ca.key" -CAcreateserial -sha256 -days 825 \
      -extfile "$WORK/extensions" -out "$TLS/server.crt" 2>"$WORK/openssl" || die "openssl: $(tail -n 1 "$WORK/openssl")"
    printf '%s\n' "$names" >"$TLS/names"
  fi
}

# install_certificates FOLDER GROUP: copies them for a server that runs as GROUP. FOLDER and its parent belong to root, so that
# nobody can replace FOLDER with a link. A link may exist from earlier versions, when Kibana could write to /etc/kibana.
install_certificates() {
  [ ! -L "$1" ] || rm "$1"
  install -d -m 0750 "$1"
  chown "root:$2" "$1"
  put_file "$1/ca.crt" 0644 "root:$2" <"$TLS/ca.crt"
  put_file "$1/server.crt" 0640 "root:$2" <"$TLS/server.crt"
  put_file "$1/server.key" 0640 "root:$2" <"$TLS/server.key"
}

# set_keystore_entry TOOL USER KEY NAME: puts the secret NAME into a server's keystore, if it is not the one put there before.
set_keystore_entry() {
  local tool=$1 key=$3 sum sum_file
  sum=$(sha256sum <"$SECRETS/$4" | cut -d' ' -f1)
  sum_file="/var/lib/dhis2-siem/keystore-$(basename "$tool")-$key"
  if [ "$(cat "$sum_file" 2>/dev/null)" != "$sum" ] || ! grep -qx "$key" <<<"$(run_as "$2" "$tool" list 2>/dev/null)"; then
    run_as "$2" "$tool" add "$key" --stdin --force <"$SECRETS/$4" >/dev/null 2>"$WORK/keystore" || die "$(basename "$tool") cannot add $key: $(tail -n 1 "$WORK/keystore")"
    (umask 077 && printf '%s\n' "$sum" >"$sum_file")
    CHANGED+=("$sum_file")
  fi
}

# run_as USER COMMAND...
run_as() { setpriv --reuid "$1" --regid "$1" --init-groups "${@:2}"; }

# cluster_health_status: prints the HTTP status of the cluster's health, 200 once it is at least yellow.
cluster_health_status() { send_to_elasticsearch GET "_cluster/health?wait_for_status=yellow&timeout=5s"; }

elasticsearch_answers() { case $(cluster_health_status) in 200 | 401) ;; *) return 1 ;; esac }

# set_password LOGIN USER: gives USER of the cluster the stored password, with LOGIN (see send_request).
set_password() {
  printf '{"password":"%s"}' "$(cat "$SECRETS/$2")" >"$WORK/password"
  [ "$(send_request "$1" POST "$ELASTICSEARCH/_security/user/$2/_password" "$WORK/password")" = 200 ]
}

# elasticsearch_healthy: is the cluster healthy, asked with the stack's password? If the password is new, it is set first, with the
# previous one.
elasticsearch_healthy() {
  [ "$(cluster_health_status)" = 200 ] || {
    [ -e "$SECRETS/elastic.previous" ] && set_password elastic@elastic.previous elastic && [ "$(cluster_health_status)" = 200 ]
  }
}

set_up_elasticsearch() {
  # The settings are written before the package is installed: then its postinst neither configures security nor prints a password.
  local folder=/etc/elasticsearch
  install -d -m 2750 "$folder" "$folder/jvm.options.d" "$folder/certs"
  local group=root
  ! getent group elasticsearch >/dev/null || group=elasticsearch
  put_file "$folder/elasticsearch.yml" 0660 "root:$group" < <(file_elasticsearch_yml)
  put_file "$folder/jvm.options.d/heap.options" 0644 "root:$group" < <(file_heap_options)
  elastic_package elasticsearch "$ELASTIC_VERSION"
  chgrp -R elasticsearch "$folder"
  install_certificates "$folder/certs" elasticsearch
  # Only for the first start. After that, the cluster stores the password itself.
  if [ -z "$(ls -A /var/lib/elasticsearch 2>/dev/null)" ]; then
    local tool=/usr/share/elasticsearch/bin/elasticsearch-keystore
    [ -e "$folder/elasticsearch.keystore" ] || "$tool" create >/dev/null
    "$tool" add --stdin --force bootstrap.password <"$SECRETS/elastic" >/dev/null
    chgrp elasticsearch "$folder/elasticsearch.keystore"
    chmod 0660 "$folder/elasticsearch.keystore"
  fi
  # The vendor's unit does not restart it after a crash. A failed start is still reported at once: systemctl waits for one attempt.
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
  wait_until 600 "Elasticsearch to answer" elasticsearch_answers || {
    journalctl -u elasticsearch -n 20 --no-pager -o cat >&2 || true
    die "Elasticsearch does not answer after ten minutes; the lines above are the end of its journal, and curl reports: $(tail -n 1 "$WORK/curl")"
  }
  # The index of its users can be ready some seconds later than the server itself.
  wait_until 60 "the login of 'elastic'" elasticsearch_healthy ||
    die "Elasticsearch in this container knows another password for 'elastic' than this stack: somebody else set it up; see 'Coming from dhis2-tools-dab' in docs/operator-guide.md"
  rm -f "$SECRETS"/*.previous
}

# set_kibana_password: gives Kibana's own user the stack's password, if it does not have it yet.
set_kibana_password() {
  [ "$(send_request kibana_system GET "$ELASTICSEARCH/_security/_authenticate")" != 200 ] || return 0
  set_password elastic kibana_system ||
    die "the password of kibana_system cannot be set; Elasticsearch answers: $(head -c 300 "$WORK/response")"
}

kibana_available() {
  [ "$(send_request elastic GET "https://$ADDRESS:5601$KIBANA_PATH/api/status")" = 200 ] &&
    grep -q '"overall":{"level":"available"' "$WORK/response"
}

# prepare_kibana_folder TOOL: the folder of Kibana's settings, which Kibana may only read, as in the vendor's package. The keystore
# tool runs as Kibana's user. It writes into the existing file, and needs to write to the folder only to create it, before
# Kibana's first start. The group may write to the file too, because an upgrade of the package gives the file to root.
prepare_kibana_folder() {
  if [ ! -e /etc/kibana/kibana.keystore ]; then
    install -d -m 2770 -o root -g kibana /etc/kibana
    (umask 007 && run_as kibana "$1" create >/dev/null)
  fi
  install -d -m 2750 -o root -g kibana /etc/kibana
}

set_up_kibana() {
  local tool=/usr/share/kibana/bin/kibana-keystore before=${#CHANGED[@]}
  elastic_package kibana "$ELASTIC_VERSION"
  prepare_kibana_folder "$tool"
  install_certificates /etc/kibana/certs kibana
  put_file /etc/kibana/kibana.yml 0640 root:kibana < <(file_kibana_yml)
  set_keystore_entry "$tool" kibana elasticsearch.password kibana_system
  set_keystore_entry "$tool" kibana xpack.encryptedSavedObjects.encryptionKey key_objects
  set_keystore_entry "$tool" kibana xpack.reporting.encryptionKey key_reporting
  set_keystore_entry "$tool" kibana xpack.security.encryptionKey key_security
  systemctl daemon-reload
  systemctl enable -q kibana
  if [ "${#CHANGED[@]}" -gt "$before" ] || [ -n "$RETRY" ] || ! systemctl is-active -q kibana; then
    say "starting Kibana $ELASTIC_VERSION"
    restart_checked kibana
  fi
  wait_until 600 "Kibana to be available" kibana_available || {
    journalctl -u kibana -n 10 --no-pager -o cat >&2 || true
    die "Kibana is not available after ten minutes; the lines above are the end of its journal"
  }
}

# print_cluster: also leaves what it prints in a file, for cluster.sh.
print_cluster() {
  local id status
  status=$(send_to_elasticsearch GET "")
  [ "$status" = 200 ] || fail_request "the cluster's id cannot be read" "$status"
  id=$(sed -n 's/.*"cluster_uuid" *: *"\([^"]*\)".*/\1/p' "$WORK/response")
  printf '{"ca":"%s","fingerprint":"%s","clusterUuid":"%s"}\n' "$(awk '{ printf "%s\\n", $0 }' "$TLS/ca.crt")" \
    "$(openssl x509 -in "$TLS/ca.crt" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr '[:upper:]' '[:lower:]')" "$id" >"$WORK/cluster"
  put_file /var/lib/dhis2-siem/cluster.json 0644 root:root <"$WORK/cluster"
  cat "$WORK/cluster"
}

main() {
  # There is nothing to delete: the servers are deleted with the container.
  [ "$1" = apply ] || return 0
  begin elastic
  need_packages ca-certificates curl gnupg openssl
  create_certificates
  set_up_elasticsearch
  set_kibana_password
  set_up_kibana
  print_cluster
  finish
}
